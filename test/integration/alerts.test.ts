import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { postgresStore } from '../../controller/adapters/store/postgres/store.ts';
import { postgresAddress } from '../../controller/config/addresses.ts';
import type { RunStore } from '../../controller/domain/ports/store.ts';
import { Receiver, services } from '../adapters/notifiers/receivers.ts';
import { ownProject, Servers, seeded, until } from './servers.ts';
import { project } from './world.ts';

/** Alerts of two servers that are killed, to receivers of which some are dead. Runs end as the test says. */

const kinds = ['webhook', 'slack', 'pagerduty', 'telegram'] as const;
const receivers = new Map<string, Receiver>();
const receivedBy = (kind: string): readonly unknown[] => receivers.get(kind)?.received ?? [];
const pipelines = Array.from({ length: 4 }, (_, i) => `p${i}`);
const file = (name: string) => `name: ${name}
sources: { one: { csv: data/*.csv, key: id, columns: { id: bigint } } }
branches: [{ name: all }]
steps:
  work: { engine: embedded, spark: { sql: work.sql }, outputs: [{ parquet: published/${name}, views: [total] }] }
triggers: { nightly: { schedule: "0 6 * * *", zone: UTC } }
`;
let servers: Servers;
let store: RunStore;
let runs = 0;

beforeAll(async () => {
  const connections: string[] = [];
  for (const kind of kinds) {
    const service = services[kind];
    if (!service) throw new Error(kind);
    const receiver = await new Receiver(service).open();
    receivers.set(kind, receiver);
    connections.push(`${kind}: { ops: ${JSON.stringify(service.connection(receiver.url))} }`);
  }
  const notify = kinds.map((kind) => `{ ${kind}: ops }`).join(', ');
  const own = await ownProject(
    'alerted-project',
    {
      ...Object.fromEntries(pipelines.map((name) => [`conf/pipelines/${name}.yaml`, file(name)])),
      'data/a.csv': 'id\n1\n',
      'work.sql': 'CREATE OR REPLACE TEMP VIEW total AS SELECT sum(id) AS total FROM one',
    },
    `${connections.join('\n')}\nalerts: { every: 1s, notify: [${notify}] }\n`,
  );
  store = await postgresStore(postgresAddress(await project(), { database: own.database }), {
    name: 'alerted-project',
  });
  servers = new Servers(own.folder, ['--runs', '0']);
  await servers.start(0);
  await servers.start(1);
});
afterAll(async () => {
  await servers?.stop();
  await store?.close();
  await Promise.all([...receivers.values()].map((each) => each.close()));
});

async function endRun(pipeline: string, state: string): Promise<void> {
  runs += 1;
  const run = `run-${runs}`;
  const { lease } = await store.create({ run, pipeline, at: Date.now(), events: [], owner: 'a test' });
  const events = [{ type: 'run-ended', state, reason: 'so it goes' } as never];
  await store.append(lease, 0, Date.now(), { events, summary: { state, ended: Date.now() } });
}
const open = async (): Promise<number> =>
  (await store.alerts({ isOpen: true, limit: 99 })).filter(({ name }) => name === 'RunFailed').length;

interface Event {
  readonly id: string;
  readonly source: string;
  readonly data: { readonly isOver?: boolean; readonly alert?: string };
}
/** The events of failed runs that the webhook has taken, in their order. */
const taken = (): Event[] => (receivedBy('webhook') as Event[]).filter(({ data }) => data.alert === 'RunFailed');

test('an alert begins once and ends once, though the servers that judge and send are killed', async () => {
  const stopHarassing = servers.harass(seeded(3), 8000);
  let rounds = 0;
  for (const end = performance.now() + 60_000; performance.now() < end; rounds++) {
    await Promise.all(pipelines.map((name) => endRun(name, 'failed')));
    await until(async () => (await open()) === pipelines.length);
    await Promise.all(pipelines.map((name) => endRun(name, 'succeeded')));
    await until(async () => (await open()) === 0);
  }
  await stopHarassing();
  await until(async () => (await store.vitals()).outbox.length === 0, 120_000);
  const all = taken();
  const once = all.filter(({ id }, i) => all.findIndex((each) => each.id === id) === i);
  process.stdout.write(
    `alerts: ${rounds} rounds of ${pipelines.length} failures and recoveries, ${servers.kills} × kill -9: ${once.length} events, ${all.length - once.length} seen twice\n`,
  );
  expect(once).toHaveLength(2 * rounds * pipelines.length);
  // A repetition has the same id, and there is at most one for each kill.
  expect(all.length - once.length).toBeLessThanOrEqual(servers.kills);
  for (const name of pipelines) {
    const own = once.filter(({ source }) => source.endsWith(`/${name}`)).map(({ data }) => data.isOver);
    expect(own).toEqual(Array.from({ length: 2 * rounds }, (_, i) => i % 2 === 1));
  }
  // PagerDuty has one incident a pipeline, and all are resolved.
  const last = new Map<string, string>();
  for (const { dedup_key, event_action } of receivedBy('pagerduty') as Record<string, string>[])
    last.set(dedup_key as string, event_action as string);
  expect([...last.values()]).toEqual(pipelines.map(() => 'resolve'));
  expect(servers.kills).toBeGreaterThan(3);
  for (const receiver of receivers.values()) expect(receiver.refused).toEqual([]);
}, 300_000);

test('a recipient that is dead, hangs, is busy or refuses delays no other', async () => {
  const before = taken().length;
  const [slack, pager, telegram] = ['slack', 'pagerduty', 'telegram'].map((kind) => receivers.get(kind) as Receiver);
  await slack?.close();
  const busy = { status: 429, headers: { 'retry-after': '1' } };
  let asked = 0;
  if (pager) pager.fault = () => (asked++ < 3 ? busy : undefined);
  if (telegram) telegram.fault = () => 'silent';
  const latencies: number[] = [];
  for (let i = 0; i < 10; i++) {
    const state = i % 2 === 0 ? 'failed' : 'succeeded';
    await endRun('p0', state);
    await until(async () => (await open()) === (i + 1) % 2);
    const at = performance.now();
    await until(async () => taken().length === before + i + 1);
    latencies.push(performance.now() - at);
  }
  process.stdout.write(
    `alerts: with one recipient dead, one silent and one busy, the others had each message after at most ${Math.round(Math.max(...latencies))} ms\n`,
  );
  await until(async () => (pager?.received.length ?? 0) > 0);
  expect(asked).toBeGreaterThan(3);
  // What could not be sent waits, in order, and arrives when the servers are back.
  await slack?.open();
  if (telegram) telegram.fault = () => undefined;
  await until(async () => (await store.vitals()).outbox.length === 0, 180_000);
  await sleep(100);
  const texts = (receivedBy('slack') as { text: string }[]).slice(-10).map(({ text }) => text.split(':')[0]);
  expect(texts).toEqual(Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? 'p0' : 'Resolved')));
}, 400_000);
