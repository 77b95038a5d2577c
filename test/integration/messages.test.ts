import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDuck } from '../../controller/clients/duckdb.ts';
import { kafkaClient } from '../../controller/clients/kafka.ts';
import { ownProject, Servers, seeded, until } from './servers.ts';
import { pidOf, project, query, sluice } from './world.ts';

/** Messages that start runs by their number, while servers are killed and the broker is restarted. */

const topic = 'arriving-messages';
const total = 100_000;
const brokers = (await project()).endpoints.kafka;
const kafka = kafkaClient({ brokers });
const pipeline = `name: reading
sources: { events: { kafka: own, topic: ${topic}, key: id, columns: { id: string, n: bigint } } }
branches: [{ name: nothing-new, if: total.new == 0 }, { name: all }]
steps:
  work:
    if: branch == "all"
    engine: embedded
    spark: { sql: work.sql }
    outputs: [{ parquet: published, views: [counted] }]
triggers:
  events: { topic: events, messages: 8000, within: 3s, poll: 1s }
`;
let folder = '';
let database = '';
let servers: Servers;

async function withAdmin<T>(work: (admin: ReturnType<typeof kafka.admin>) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}
const create = () =>
  until(() =>
    withAdmin((admin) => admin.createTopics({ topics: [{ topic, numPartitions: 3 }], waitForLeaders: true })).catch(
      () => false,
    ),
  );
const ends = () => withAdmin((admin) => admin.fetchTopicOffsets(topic));
const stored = async (): Promise<number> =>
  (await ends()).reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);

/** Sends messages as one who does not know whether a failed request was stored: again. */
async function send(from: number, count: number): Promise<void> {
  for (let at = from; at < from + count; at += 1000) {
    const messages = Array.from({ length: Math.min(1000, from + count - at) }, (_, i) => ({
      partition: (at + i) % 3,
      value: JSON.stringify({ id: `m${at + i}`, n: at + i }),
    }));
    for (;;) {
      const producer = kafka.producer();
      try {
        await producer.connect();
        await producer.send({ topic, messages });
        break;
      } catch {
        await sleep(500);
      } finally {
        await producer.disconnect().catch(() => undefined);
      }
    }
    await sleep(100);
  }
}

async function published(): Promise<{ rows: number; ids: number }> {
  const duck = await openDuck(join(folder, 'scratch'), [folder]);
  try {
    const [row] = await duck.rows(
      `SELECT rows, ids FROM read_parquet('${join(folder, 'published/current/counted')}/*.parquet')`,
    );
    return { rows: Number(row?.rows), ids: Number(row?.ids) };
  } finally {
    await duck.close();
  }
}

/** Resolves when the published rows are all messages of the topic. */
const allRead = async (): Promise<void> => {
  const messages = await stored();
  await expect
    .poll(async () => (await published().catch(() => ({ rows: 0 }))).rows, { timeout: 120_000, interval: 1000 })
    .toBe(messages);
};

/** What published runs have read as new, from their pins: it begins where the one before ended. */
async function pins(): Promise<{ run: string; partitions: { partition: number; start: number; end: number }[] }[]> {
  const rows = await query(
    `SELECT run, body->'profiles'->'events'->'pin'->'partitions' AS partitions FROM events JOIN runs USING (run)
     WHERE body->>'type' = 'sources-measured' AND state = 'succeeded' ORDER BY number`,
    database,
  );
  return rows as never;
}

beforeAll(async () => {
  await create();
  ({ folder, database } = await ownProject(
    'reading-project',
    {
      'conf/pipelines/reading.yaml': pipeline,
      'work.sql':
        'CREATE OR REPLACE TEMP VIEW counted AS SELECT count(*) AS rows, count(DISTINCT id) AS ids FROM events',
    },
    `kafka: { own: { brokers: ['${brokers.join("', '")}'] } }\n`,
  ));
  servers = new Servers(folder);
  await servers.start(0);
  await servers.start(1);
  await until(async () => (await query('SELECT FROM triggers WHERE cursor IS NOT NULL', database)).length === 1);
});
afterAll(() => servers.stop());

test('every message is read once, through kills of servers and a restart of the broker', async () => {
  const stopHarassing = servers.harass(seeded(3), 4000);
  const sending = send(0, total);
  await sleep(8000);
  process.kill(await pidOf('kafka'), 'SIGKILL');
  await sleep(3000);
  expect((await sluice('up')).exitCode).toBe(0);
  await sending;
  await stopHarassing();
  await allRead();
  const messages = await stored();
  const { ids } = await published();
  const read = await pins();
  const firings = await query('SELECT outcome, run FROM firings', database);
  process.stdout.write(
    `messages: ${total} sent, ${messages} stored, ${ids} ids; ${firings.length} firings, ${read.length} published runs, ${servers.kills} kills\n`,
  );
  expect(ids).toBe(total);
  expect(messages).toBeGreaterThanOrEqual(total);
  for (const { partition, high } of await ends()) {
    const own = read.map(({ partitions }) => Number(partitions.find((each) => each.partition === partition)?.end));
    expect(own).toEqual(own.toSorted((a, b) => a - b));
    expect(own.at(-1)).toBe(Number(high));
  }
  expect(servers.kills).toBeGreaterThan(3);
});

test('messages that the broker has deleted after they were read start nothing, and later ones are read', async () => {
  await withAdmin(async (admin) =>
    admin.deleteTopicRecords({
      topic,
      partitions: (await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => ({
        partition,
        offset: String(Math.floor(Number(high) / 2)),
      })),
    }),
  );
  const { rows } = await published();
  await send(total, 3000);
  await expect.poll(async () => (await published()).rows, { timeout: 60_000, interval: 1000 }).toBe(rows + 3000);
});

test('a topic that is made anew is read whole', async () => {
  await withAdmin((admin) => admin.deleteTopics({ topics: [topic] }));
  await create();
  await send(0, 2000);
  await expect.poll(async () => (await published()).rows, { timeout: 90_000, interval: 1000 }).toBe(2000);
  const [last] = await query('SELECT key FROM firings ORDER BY number DESC LIMIT 1', database);
  expect(last?.key).toMatch(/^#2 /);
});
