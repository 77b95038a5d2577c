import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDuck } from '../../controller/clients/duckdb.ts';
import { kafkaClient } from '../../controller/clients/kafka.ts';
import { folder, project, sluice, sluiceJson, write } from './world.ts';

/** Incremental reading of a topic, from the end of the last published run. */

const topic = 'changes';
const file = 'conf/pipelines/changes.yaml';
const kafka = kafkaClient({ brokers: (await project()).endpoints.kafka });
const producer = kafka.producer();

/** The expected state of every order, computed from all sent events. */
const expected = new Map<number, { changes: number; last: string }>();
let sent = 0;

async function send(count: number): Promise<void> {
  const messages = Array.from({ length: count }, () => {
    const id = sent++;
    const order = id % 997;
    const type = `type-${(id * 7) % 11}`;
    expected.set(order, { changes: (expected.get(order)?.changes ?? 0) + 1, last: type });
    return { partition: order % 3, value: JSON.stringify({ event_id: `e${id}`, order_id: order, seq: id, type }) };
  });
  await producer.send({ topic, messages });
}

async function newTopic(): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  if ((await admin.listTopics()).includes(topic)) await admin.deleteTopics({ topics: [topic] });
  await expect
    .poll(() => admin.createTopics({ topics: [{ topic, numPartitions: 3 }], waitForLeaders: true }).catch(() => false))
    .toBe(true);
  await admin.disconnect();
  expected.clear();
}

async function deleteUpTo(share: number): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  const offsets = await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({
    topic,
    partitions: offsets.map(({ partition, high }) => ({ partition, offset: String(Math.floor(Number(high) * share)) })),
  });
  await admin.disconnect();
}

interface Kept {
  readonly rows: number;
  readonly new: number;
  readonly pinned: { readonly log: { readonly carried: number; readonly paths: readonly string[] } };
}

/**
 * Runs the pipeline, or a backfill of it. Returns the number of events carried over from earlier runs, and of those
 * read.
 */
async function run(
  ...args: string[]
): Promise<{ carried: number; read: number; new: number; state: string; stderr: string }> {
  const { doc, stderr } = await sluiceJson(...(args.length > 0 ? args : ['run']), file);
  const events = doc.sources.events as unknown as Kept;
  const { carried } = events.pinned.log;
  return { carried, read: events.rows - carried, new: events.new, state: doc.state, stderr };
}

/** Compares the published mart with the expected one. */
async function expectMart(): Promise<void> {
  const duck = await openDuck(join(folder, 'scratch'), [folder]);
  const rows = await duck.rows(
    `SELECT order_id, changes, last FROM read_parquet('${join(folder, 'data/published/changes/current/mart')}/*.parquet') ORDER BY 1`,
  );
  await duck.close();
  const wanted = [...expected].sort(([a], [b]) => a - b).map(([order_id, each]) => ({ order_id, ...each }));
  expect(rows).toEqual(wanted);
}

beforeAll(async () => {
  await producer.connect();
  await write(
    'sql/changes.sql',
    'CREATE OR REPLACE TEMP VIEW mart AS SELECT order_id, count(*) AS changes, max_by(type, seq) AS last FROM events GROUP BY order_id',
  );
  await write('data/knock/a.csv', 'id\n1\n');
  await write(
    file,
    `name: changes
sources:
  events:
    kafka: shop
    topic: ${topic}
    key: event_id
    columns: { event_id: string, order_id: { type: bigint, required: true }, seq: int, type: string }
  knock: { csv: data/knock/*.csv, key: id, columns: { id: bigint } }
branches:
  - { name: nothing-new, if: total.new == 0 }
  - { name: all }
steps:
  fold:
    if: branch == "all"
    spark: { sql: sql/changes.sql, executorMemory: 512m, driverMemory: 512m }
    outputs: [{ parquet: data/published/changes, views: [mart] }]
`,
  );
});
afterAll(() => producer.disconnect());

describe('a topic', () => {
  test('is read completely the first time', async () => {
    await newTopic();
    await send(5000);
    expect(await run()).toMatchObject({ carried: 0, read: 5000, new: 5000, state: 'succeeded' });
    await expectMart();
  });

  test('is not read again when there is nothing new in it', async () => {
    expect(await run()).toMatchObject({ carried: 5000, read: 0, new: 0, state: 'skipped' });
    await write('data/knock/b.csv', 'id\n2\n');
    expect(await run()).toMatchObject({ carried: 5000, read: 0, new: 0, state: 'succeeded' });
    await expectMart();
  });

  test('is read from the last offset when there are new events', async () => {
    await send(10_000);
    expect(await run()).toMatchObject({ carried: 5000, read: 10_000, new: 10_000, state: 'succeeded' });
    await expectMart();
  });

  test('gives the same marts after a backfill, from its beginning or from a time', async () => {
    const between = new Date(Date.now() + 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await send(300);
    expect(await run('backfill')).toMatchObject({ carried: 0, read: 15_300, new: 15_300, state: 'succeeded' });
    await expectMart();
    const from = await run('backfill', '--from', between.toISOString());
    expect(from).toMatchObject({ carried: 15_000, read: 300, state: 'succeeded' });
    await expectMart();
  });

  test('with expired events that were read long ago loses none of them', async () => {
    await deleteUpTo(0.5);
    await send(100);
    expect(await run()).toMatchObject({ carried: 15_300, read: 100, state: 'succeeded' });
    await expectMart();
    const again = await run('backfill');
    expect(again.state).toBe('succeeded');
    expect(again.carried).toBeGreaterThan(7000);
    await expectMart();
  });

  test('with expired events that no run has read is refused, until a backfill accepts the gap', async () => {
    await send(900);
    await deleteUpTo(1);
    const { exitCode, stderr } = await sluice('run', file);
    expect(exitCode).toBe(2);
    expect(stderr + (await sluice('show')).stdout).toMatch(
      /events: events \d+ to \d+ of partition 0 of changes expired before a run read them \(.*`sluice backfill` accepts the gap/,
    );
    expect(await run('backfill')).toMatchObject({ carried: 15_400, read: 0, state: 'succeeded' });
  });

  test('that was created again is recognised, and read completely', async () => {
    await newTopic();
    await send(16_000);
    const { stderr, ...read } = await run();
    expect(read).toMatchObject({ carried: 0, read: 16_000, new: 16_000, state: 'succeeded' });
    expect(stderr).toContain('the topic is not the one that the last run has read; topic changes is read whole');
    await expectMart();
  });
});
