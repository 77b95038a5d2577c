import { afterAll, expect, test } from 'vitest';
import { migrate } from '../../controller/adapters/store/postgres/migrations.ts';
import { postgresStore } from '../../controller/adapters/store/postgres/store.ts';
import { closePostgres, connectPostgres, postgresPool } from '../../controller/clients/postgres.ts';
import { postgresAddress } from '../../controller/config/addresses.ts';
import type { RunEvent } from '../../controller/domain/events.ts';
import { expectCutStreams } from '../contract/streams.ts';
import { expectUpgraded, fillBefore } from '../contract/upgraded.ts';
import { project, query } from './world.ts';

/** Properties of the run store that only PostgreSQL can show. Each test has its own database. */

const here = await project();
const made: string[] = [];
async function fresh(name: string) {
  const database = `${name}_${Date.now().toString(36)}`;
  await query(`CREATE DATABASE ${database}`, 'postgres');
  made.push(database);
  return postgresAddress(here, { database });
}
afterAll(async () => {
  for (const database of made) await query(`DROP DATABASE ${database} WITH (FORCE)`, 'postgres');
});

/** Resolves when the server has a connection that meets the condition. */
async function seen(condition: string): Promise<void> {
  while ((await query(`SELECT FROM pg_stat_activity WHERE ${condition}`, 'postgres')).length === 0)
    await new Promise((resolve) => setTimeout(resolve, 10));
}

const asked = (by: string): RunEvent => ({ type: 'cancel-requested', by });

test('a reader never skips an event whose transaction commits after one with a greater position', async () => {
  const address = await fresh('feed');
  const store = await postgresStore(address, { name: 'p' });
  const other = await connectPostgres(address);
  try {
    const slow = (await store.create({ run: 'slow', pipeline: 'p', at: 1, events: [asked('a')] })).lease;
    const quick = (await store.create({ run: 'quick', pipeline: 'p', at: 1, events: [asked('b')] })).lease;
    await store.create({ run: 'third', pipeline: 'p', at: 1, events: [] });
    const from = (await store.since(0, 9)).at(-1)?.position as number;
    // The slow transaction has inserted its event, and waits for a row of the outbox that another transaction holds.
    const message = { id: '<m>', run: 'slow', event: 'x', to: 'a' };
    await other.query('BEGIN');
    await other.query(`INSERT INTO outbox (id, run, message, due) VALUES ('<m>', 'third', '{}', now())`);
    const appending = store.append(slow, 1, 2, { events: [asked('slow')], messages: [message] });
    await seen(`datname = '${address.database}' AND wait_event_type = 'Lock'`);
    await store.append(quick, 1, 2, { events: [asked('quick')] });

    const read = await store.since(from, 9);
    await other.query('ROLLBACK');
    await appending;
    read.push(...(await store.since(read.at(-1)?.position ?? from, 9)));
    expect(read.map(({ run }) => run)).toEqual(['slow', 'quick']);
    expect((await other.query('SELECT run FROM events ORDER BY position DESC LIMIT 1')).rows[0].run).toBe('quick');
  } finally {
    await closePostgres(other);
    await store.close();
  }
});

test('200 streams of two servers that are cut at random and resumed see each of 1000 events once, in order', async () => {
  const address = await fresh('streams');
  const open = () => postgresStore(address, { name: 'project' });
  const stores = [await open(), await open()] as const;
  try {
    await expectCutStreams(stores);
  } finally {
    await Promise.all(stores.map((store) => store.close()));
  }
}, 120_000);

test('only a firing that starts a run waits for other runs of its pipeline', async () => {
  const address = await fresh('firing');
  const store = await postgresStore(address, { name: 'p' });
  const other = await connectPostgres(address);
  const name = { pipeline: 'shop', trigger: 't' };
  try {
    const { generation } = await store.trigger(name);
    const fire = (key: string, as: object) => store.fire(name, { generation }, [{ key, due: 1, as } as never]);
    await other.query("BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('shop', 0))");
    expect(await fire('a', { outcome: 'skipped', reason: 'why' })).toMatchObject([{ outcome: 'skipped' }]);
    const starting = fire('b', { start: { run: 'r', pipeline: 'shop', at: 1, events: [] } });
    await seen(`datname = '${address.database}' AND wait_event = 'advisory'`);
    await other.query('COMMIT');
    expect(await starting).toMatchObject([{ outcome: 'started', run: 'r' }]);
  } finally {
    await closePostgres(other);
    await store.close();
  }
});

test('an open transaction in another database does not block readers of the events', async () => {
  const address = await fresh('busy');
  const store = await postgresStore(address, { name: 'p' });
  const loading = await connectPostgres(await fresh('warehouse'));
  try {
    await loading.query('BEGIN; CREATE TABLE loaded AS SELECT 1 AS x');
    await store.create({ run: 'r', pipeline: 'p', at: 1, events: [asked('a')] });
    expect(await store.since(0, 9)).toHaveLength(1);
  } finally {
    await closePostgres(loading);
    await store.close();
  }
});

test('a process that waits for events is notified of those of another process at once', async () => {
  const address = await fresh('hints');
  const [one, two] = [await postgresStore(address, { name: 'p' }), await postgresStore(address, { name: 'p' })];
  try {
    const { lease } = await one.create({ run: 'r', pipeline: 'p', at: 1, events: [asked('a')] });
    for (let i = 1; i <= 3; i++) {
      const position = (await two.since(0, 9)).at(-1)?.position as number;
      const waiting = two.waitFor(position, new AbortController().signal);
      await seen(`datname = '${address.database}' AND query LIKE 'LISTEN%'`);
      await one.request(lease.run, 2, asked('b'));
      await waiting;
    }
    expect(await two.since(0, 9)).toHaveLength(4);
  } finally {
    await Promise.all([one.close(), two.close()]);
  }
});

test('the runs of a store of an earlier version are shown by the project that they belong to', async () => {
  const address = await fresh('old');
  const client = await connectPostgres(address);
  try {
    await migrate(client, 4);
    const plan = { quality: 0.75, choice: { branch: 'full' }, reason: 'why' };
    const outputs = (rows: number) => [{ view: 'v', kind: 'parquet', where: '/out', rows }];
    const events = [
      { type: 'run-started', run: 'r', pipeline: { name: 'shop', steps: {} }, file: 'f' },
      { type: 'sources-measured', profiles: { a: { measures: { rows: 3 } } }, findings: {} },
      { type: 'planned', plan },
      { type: 'outputs-published', step: 's', attempt: 1, outputs: outputs(1) },
      { type: 'outputs-published', step: 's', attempt: 2, outputs: outputs(40) },
      { type: 'outputs-published', step: 't', attempt: 1, outputs: outputs(2) },
      { type: 'run-ended', state: 'succeeded', reason: 'done' },
    ];
    for (const [i, [run, of]] of [
      ['older', ''],
      ['ours', '/srv/shop/.sluice'],
      ['theirs', '/srv/other/.sluice'],
    ].entries()) {
      await client.query(
        `INSERT INTO runs (run, pipeline, project, state, branch, started, ended, seq, at, token, closed)
         VALUES ($1, 'shop', $2, 'succeeded', 'full', 1, 9, 7, 9, 1, now())`,
        [run, of],
      );
      for (const [n, event] of events.entries())
        await client.query('INSERT INTO events (run, seq, at, body) VALUES ($1, $2, $3, $4)', [
          run,
          n + 1,
          n + 1 + i,
          JSON.stringify(event),
        ]);
      const mail = { id: `<${run}>`, run, event: 'succeeded', to: 'a@example.org' };
      await client.query('INSERT INTO outbox (id, run, message, due) VALUES ($1, $2, $3, now())', [
        mail.id,
        run,
        JSON.stringify(mail),
      ]);
    }
    const store = await postgresStore(address, { name: 'shop', formerNames: ['/srv/shop/.sluice', ''] });
    const listed = await store.list({ limit: 9 });
    expect(listed.map(({ run, quality, rows }) => [run, quality, rows])).toEqual([
      ['ours', 0.75, 42],
      ['older', 0.75, 42],
    ]);
    expect((await store.history('ours')).map(({ event }) => event)).toEqual(events);
    expect((await store.since(0, 99)).map(({ run, seq }) => `${run} ${seq}`).slice(0, 4)).toEqual([
      'older 1',
      'older 2',
      'ours 1',
      'older 3',
    ]);
    expect((await store.due()).map(({ message }) => message.run)).toEqual(['older', 'ours']);
    expect(await store.messages('ours')).toMatchObject([{ channel: 'email', to: 'a@example.org' }]);
    expect(await store.lastProfiles('shop')).toEqual({ a: { measures: { rows: 3 } } });
    expect(await store.lastPlanned('shop')).toMatchObject({ run: 'ours', plan });
    await store.close();
    const others = await postgresStore(address, { name: 'other', formerNames: ['/srv/other/.sluice', ''] });
    expect((await others.list({ limit: 9 })).map(({ run }) => run)).toEqual(['theirs']);
    await others.close();
  } finally {
    await closePostgres(client);
  }
});

test('a store of the version before outcomes is migrated, and loses nothing; a program of before refuses it', async () => {
  const address = await fresh('before');
  const client = await connectPostgres(address);
  try {
    await migrate(client, 7);
    await client.query('BEGIN');
    const insert = (table: string, row: Readonly<Record<string, string | number | null>>) => {
      const [names, values] = [Object.keys(row), Object.values(row)];
      const sql = `INSERT INTO ${table} (${names.join()}) VALUES (${values.map((_, i) => `$${i + 1}`).join()})`;
      return client.query(sql, values);
    };
    await fillBefore(insert, (ms) => new Date(ms).toISOString());
    await client.query('COMMIT');
    const store = await postgresStore(address, { name: 'p' });
    await expectUpgraded(store);
    await store.close();
    // As a program sees it that has a step less.
    await client.query('INSERT INTO schema_version SELECT max(version) + 1 FROM schema_version');
    await expect(postgresStore(address, { name: 'p' })).rejects.toMatchObject({
      kind: 'rejected',
      hint: expect.stringContaining('newer Sluice'),
    });
  } finally {
    await closePostgres(client);
  }
});

test('a connection that the server ends between two queries does not end the process', async () => {
  const pool = postgresPool(postgresAddress(here, { database: 'sluice' }));
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
