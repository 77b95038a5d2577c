import { afterAll, beforeAll, expect, test } from 'vitest';
import { postgresStore } from '../../controller/adapters/store/postgres/store.ts';
import { postgresAddress } from '../../controller/config/addresses.ts';
import type { RunStore } from '../../controller/domain/ports/store.ts';
import type { LineageEvent } from '../../controller/telemetry/lineage.ts';
import type { OtlpTraces } from '../../controller/telemetry/otlp.ts';
import { Receiver, services } from '../adapters/notifiers/receivers.ts';
import { telemetryServices } from '../telemetry/receivers.ts';
import { ownProject, Servers, seeded, until } from './servers.ts';
import { project, query, start } from './world.ts';

/** Runs of two servers that are killed, with receivers that check each event, and of which one is dead at first. */

const name = 'told-project';
const { openlineage, otlp } = telemetryServices;
const lineage = new Receiver(openlineage);
const late = new Receiver(openlineage);
const traces = new Receiver(otlp);
const hook = new Receiver(services.webhook as (typeof services)[string]);
const all = [lineage, late, traces, hook];
const pipeline = (of: string, sql: string) => `name: ${of}
sources: { one: { csv: data/*.csv, key: id, columns: { id: bigint, note: string } } }
branches: [{ name: all }]
steps:
  first: { engine: embedded, spark: { sql: first.sql } }
  second: { engine: embedded, needs: [first], spark: { sql: ${sql} }, outputs: [{ parquet: published/${of}, views: [result] }], retry: { maximumAttempts: 1 } }
notify: [{ webhook: ops, on: [succeeded, failed] }]
`;
let folder = '';
let database = '';
let servers: Servers;
let store: RunStore;

beforeAll(async () => {
  for (const receiver of all) await receiver.open();
  const connection = (receiver: Receiver, of: { connection: (url: string) => object }): string =>
    JSON.stringify(of.connection(receiver.url));
  const own = await ownProject(
    name,
    {
      'conf/pipelines/good.yaml': pipeline('good', 'second.sql'),
      'conf/pipelines/bad.yaml': pipeline('bad', 'bad.sql'),
      'data/a.csv': 'id,note\n1,one\n2,two\n',
      'first.sql': 'CREATE OR REPLACE TEMP VIEW noted AS SELECT note FROM one',
      'second.sql': 'CREATE OR REPLACE TEMP VIEW result AS SELECT count(*) AS n FROM one',
      'bad.sql': 'CREATE OR REPLACE TEMP VIEW result AS SELECT CAST(note AS int) AS n FROM one',
    },
    `openlineage: { catalog: ${connection(lineage, openlineage)}, late: ${connection(late, openlineage)} }
otlp: { collector: ${connection(traces, otlp)} }
webhook: { ops: ${connection(hook, services.webhook as (typeof services)[string])} }
`,
  );
  ({ folder, database } = own);
  store = await postgresStore(postgresAddress(await project(), { database }), { name });
  servers = new Servers(folder);
  await servers.start(0);
  await servers.start(1);
  await late.close();
});
afterAll(async () => {
  await servers?.stop();
  await store?.close();
  await Promise.all(all.map((each) => each.close()));
});

const begin = async (of: string): Promise<void> => {
  const { exitCode, stderr } = await start(['run', `conf/pipelines/${of}.yaml`, '--detach'], {}, folder);
  expect(exitCode, stderr).toBe(0);
};
const ended = async (): Promise<number> =>
  (await store.list({ limit: 99 })).filter(({ ended: at }) => at !== undefined).length;
/** The channels whose messages wait. */
const waiting = async (): Promise<string[]> =>
  (
    await query(`SELECT DISTINCT channel || ' ' || recipient AS line FROM outbox WHERE state = 'waiting'`, database)
  ).map(({ line }) => line);
const told = ({ eventType, job }: LineageEvent): string => `${eventType} ${job.name}`;
/** The events of a receiver by the run or step that they are about, and how many came twice, which must be the same. */
function received({ received: events }: Receiver): { by: Map<string, string[]>; repeated: number } {
  const seen = new Map<string, string>();
  const by = new Map<string, string[]>();
  let repeated = 0;
  for (const event of events as LineageEvent[]) {
    const { runId, facets } = event.run;
    const key = `${runId} ${event.eventType}`;
    const text = JSON.stringify(event);
    if (seen.has(key)) {
      expect(seen.get(key)).toBe(text);
      repeated += 1;
      continue;
    }
    seen.set(key, text);
    const root = (facets.parent as { root?: { run: { runId: string } } } | undefined)?.root?.run.runId ?? runId;
    by.set(root, [...(by.get(root) ?? []), told(event)]);
  }
  return { by, repeated };
}
const expected = (of: string, end: string): string[] => [
  ...[`START ${of}`, `START ${of}.first`, `COMPLETE ${of}.first`],
  ...[`START ${of}.second`, `${end} ${of}.second`, `${end} ${of}`],
];

test('each run is sent once and in order, though servers are killed, and a dead receiver delays nothing', async () => {
  const runs = 8;
  const stopHarassing = servers.harass(seeded(5), 3000);
  for (let i = 0; i < runs; i++) await begin(i % 2 === 0 ? 'good' : 'bad');
  await until(async () => (await ended()) === runs, 120_000);
  await stopHarassing();
  await until(async () => (await waiting()).every((each) => each === 'openlineage late'), 120_000);
  const { by, repeated } = received(lineage);
  const inOrder = [...by.values()].map((events) => events.join(', ')).toSorted();
  const halves = [
    ...Array.from({ length: runs / 2 }, () => expected('bad', 'FAIL').join(', ')),
    ...Array.from({ length: runs / 2 }, () => expected('good', 'COMPLETE').join(', ')),
  ];
  process.stdout.write(
    `lineage: ${runs} runs, ${servers.kills} × kill -9: ${lineage.received.length - repeated} events, ${repeated} seen twice; ${traces.received.length} traces\n`,
  );
  expect(inOrder).toEqual(halves);
  expect(servers.kills).toBeGreaterThan(2);
  expect(repeated).toBeLessThanOrEqual(servers.kills);
  const spans = (traces.received as OtlpTraces[]).map(({ resourceSpans: [of] }) => of?.scopeSpans[0]?.spans ?? []);
  expect(new Set(spans.map(([span]) => span?.traceId)).size).toBe(runs);
  expect(spans.length - runs).toBeLessThanOrEqual(servers.kills);
  expect(new Set((hook.received as { id: string }[]).map(({ id }) => id)).size).toBe(runs);
  // What waited for the dead receiver arrives when it is back.
  expect(late.received).toEqual([]);
  await late.open();
  await query('UPDATE outbox SET due = now()', database);
  await until(async () => (await waiting()).length === 0, 120_000);
  expect([...received(late).by]).toEqual([...by]);
  for (const receiver of all) expect(receiver.refused).toEqual([]);
}, 400_000);

test('a run of a terminal tells the same, and shows only what was not sent', async () => {
  const before = lineage.received.length;
  lineage.fault = ({ body }) => (body.includes('"START"') ? { status: 422, body: 'no' } : undefined);
  const { stdout } = await start(['run', 'conf/pipelines/good.yaml'], {}, folder);
  await until(async () => (await waiting()).length === 0);
  expect((lineage.received as LineageEvent[]).slice(before).map(told)).toEqual([
    'COMPLETE good.first',
    'COMPLETE good.second',
    'COMPLETE good',
  ]);
  const { stdout: shown } = await start(['show'], {}, folder);
  expect(shown).toMatch(/openlineage lineage to catalog: refused \(.*422/);
  expect(shown).not.toContain('to late');
  expect(String(stdout)).toContain('succeeded');
});
