import { afterAll, expect, test } from 'vitest';
import { postgresStore } from '../../controller/adapters/store/postgres/store.ts';
import { postgresPool } from '../../controller/clients/postgres.ts';
import { postgresAddress } from '../../controller/config/addresses.ts';
import type { RunEvent } from '../../controller/domain/events.ts';
import type { Message } from '../../controller/domain/ports/notifier.ts';
import type { RunStore } from '../../controller/domain/ports/store.ts';
import { project, query } from './world.ts';

/** Two projects with a pipeline of one name on one store. */

const address = postgresAddress(await project(), { database: 'sluice' });
const id = Date.now().toString(36);
const names = [`one-${id}`, `two-${id}`] as const;
const stores = await Promise.all(names.map((name) => postgresStore(address, { name })));
afterAll(() => Promise.all(stores.map((store) => store.close())));

async function runOf(store: RunStore, run: string, rows: number): Promise<void> {
  const started = { type: 'run-started', run, pipeline: { name: 'shared' }, file: 'f' } as unknown as RunEvent;
  const { lease } = await store.create({ run, pipeline: 'shared', at: 1, events: [started] });
  const profiles = { a: { measures: { rows }, pin: {}, examples: [] } };
  const message = { id: `<${run}>`, event: 'succeeded', to: 'a@example.org' } as unknown as Message;
  const measured = { type: 'sources-measured', profiles, findings: {} } as unknown as RunEvent;
  const ended = { type: 'run-ended', state: 'succeeded', reason: '' } as unknown as RunEvent;
  const summary = { state: 'succeeded', ended: 2 };
  await store.append(lease, 1, 2, { events: [measured, ended], summary, messages: [message] });
}

test('see, wait for, clean up and mail their own runs alone', async () => {
  const [one, two] = stores as [RunStore, RunStore];
  await runOf(one, `a-${id}`, 1);
  await runOf(two, `b-${id}`, 2);
  const listed = async (store: RunStore) => (await store.list({ pipeline: 'shared', limit: 10 })).map(({ run }) => run);
  expect([await listed(one), await listed(two)]).toEqual([[`a-${id}`], [`b-${id}`]]);
  expect(await one.find(`b-${id}`)).toBeUndefined();
  expect((await two.find(`b-${id}`))?.run).toBe(`b-${id}`);
  expect((await one.lastProfiles('shared')).a?.measures.rows).toBe(1);
  expect((await two.lastProfiles('shared')).a?.measures.rows).toBe(2);
  expect([await one.unswept(0, 10), await two.unswept(0, 10)]).toEqual([[`a-${id}`], [`b-${id}`]]);
  const due = async (store: RunStore) => (await store.due()).map(({ message }) => message.id);
  expect([await due(one), await due(two)]).toEqual([[`<a-${id}>`], [`<b-${id}>`]]);
  await one.attend(`c1-${id}`, 5000);
  await two.attend(`c2-${id}`, 5000);
  expect([await one.claimRole('outbox', `c1-${id}`, 5000), await two.claimRole('outbox', `c2-${id}`, 5000)]).toEqual([
    true,
    true,
  ]);
  await one.create({ run: `open-${id}`, pipeline: 'shared', at: 3, events: [] });
  await two.create({ run: `later-${id}`, pipeline: 'shared', at: 4, events: [] });
  expect(await two.ahead(`later-${id}`)).toEqual([]);
  await one.create({ run: `after-${id}`, pipeline: 'shared', at: 5, events: [] });
  expect(await one.ahead(`after-${id}`)).toEqual([`open-${id}`]);
});

test('a connection that the server ends while it is in use, between two queries, ends no process', async () => {
  const pool = postgresPool(address);
  const lost = new Promise((resolve) => process.once('uncaughtException', resolve));
  try {
    const client = await pool.connect();
    const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
    const ended = new Promise((resolve) => client.once('end', resolve));
    await query(`SELECT pg_terminate_backend(${rows[0].pid})`, 'sluice');
    await ended;
    expect(await Promise.race([lost, new Promise((resolve) => setTimeout(resolve, 200, 'nothing'))])).toBe('nothing');
    client.release(true);
  } finally {
    await pool.end();
  }
});
