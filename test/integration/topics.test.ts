import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { kafkaReader } from '../../controller/adapters/sources/kafka/kafka.ts';
import { fileStorage as storage } from '../../controller/adapters/storage/file/file.ts';
import { openDuck } from '../../controller/clients/duckdb.ts';
import { kafkaClient } from '../../controller/clients/kafka.ts';
import type { Source } from '../../controller/domain/pipeline.ts';
import type { Profile } from '../../controller/domain/profile.ts';
import { parquet } from '../../controller/snapshot/snapshot.ts';
import { project } from './world.ts';

/** Topics as in production: every codec, transactions, bytes that are not text; read without a consumer group. */

const here = await project();
const brokers = here.endpoints.kafka;
const kafka = kafkaClient({ brokers });
const admin = kafka.admin();
const producer = kafka.producer();
await Promise.all([admin.connect(), producer.connect()]);
afterAll(() => Promise.all([admin.disconnect(), producer.disconnect()]));
let next = 0;

async function topicOf(config: Record<string, string> = {}): Promise<string> {
  next += 1;
  const topic = `topics-${Date.now().toString(36)}-${next}`;
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  await admin.createTopics({ topics: [{ topic, numPartitions: 3, configEntries }], waitForLeaders: true });
  return topic;
}

async function profiled(topic: string): Promise<{ profile: Profile; rows: Record<string, unknown>[] }> {
  const scratch = join(here.home, 'tmp');
  const snapshots = { storage, folder: join(here.home, 'topics'), maximumBytes: 1e9 };
  const reader = kafkaReader({ addressOf: () => ({ brokers }), storage, scratch, snapshots });
  const source = {
    kafka: 'shop',
    topic,
    key: 'id',
    columns: { id: 'bigint', text: 'string', part: 'string', pos: 'string' },
  };
  const profile = await reader.profile('things', source as unknown as Source);
  const duck = await openDuck(scratch, [here.home]);
  try {
    return { profile, rows: await duck.rows(`SELECT * FROM ${parquet(profile.pin.kept?.paths ?? [])} ORDER BY id`) };
  } finally {
    await duck.close();
  }
}

describe('a topic', () => {
  test.each(['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'])(
    'compressed with %s is read completely',
    async (codec) => {
      const topic = await topicOf({ 'compression.type': codec });
      const all = Array.from({ length: 5000 }, (_, id) => ({
        id,
        text: `Größe ${id} ${'x'.repeat(id % 300)}`,
        part: 'p',
        pos: `${id}`,
      }));
      for (let at = 0; at < all.length; at += 1000)
        await producer.send({
          topic,
          messages: all.slice(at, at + 1000).map((value) => ({ key: `k${value.id}`, value: JSON.stringify(value) })),
        });
      const { profile, rows } = await profiled(topic);
      expect(profile.measures).toMatchObject({ rows: 5000, valid: 5000, duplicates: 0 });
      expect(rows.map(({ id, text, part, pos }) => ({ id, text, part, pos }))).toEqual(all);
    },
  );

  test('gives only committed messages, and ends at the last offset, even when that is a control record', async () => {
    const topic = await topicOf();
    const transactional = kafka.producer({ transactionalId: `t-${topic}`, idempotent: true, maxInFlightRequests: 1 });
    await transactional.connect();
    try {
      for (const [id, keep] of [
        [1, true],
        [2, false],
        [3, true],
        [4, false],
      ] as const) {
        const transaction = await transactional.transaction();
        const messages = [0, 1, 2].map((partition) => ({
          partition,
          value: JSON.stringify({ id: id * 10 + partition }),
        }));
        await transaction.send({ topic, messages });
        await (keep ? transaction.commit() : transaction.abort());
      }
    } finally {
      await transactional.disconnect();
    }
    await producer.send({ topic, messages: [{ partition: 0, value: '{"id":1}' }] });
    const { profile, rows } = await profiled(topic);
    expect(rows.map(({ id }) => id)).toEqual([1, 10, 11, 12, 30, 31, 32]);
    expect(profile.measures.rows).toBe(7);
  });

  test('has invalid rows for messages that are not text, not an object or empty, each with its location', async () => {
    const topic = await topicOf();
    const values = [
      '{"id":1}',
      Buffer.from([0x7b, 0xff, 0xfe, 0x7d]),
      null,
      '',
      '[1]',
      Buffer.from('{"id":2,"text":"\xe9"}', 'latin1'),
      '{"id":3,}',
      '{"id":4,"text":1.10,"pos":12345678901234567890}',
    ];
    await producer.send({ topic, messages: values.map((value) => ({ partition: 1, value })) });
    const { profile, rows } = await profiled(topic);
    expect(profile.measures).toMatchObject({
      rows: 8,
      valid: 2,
      invalidByReason: { 'not valid UTF-8': 2, 'not a JSON object': 4 },
    });
    expect(rows.find(({ id }) => id === 4)).toMatchObject({ text: '1.10', pos: '12345678901234567890' });
    expect(profile.examples.find(({ reason }) => reason === 'not valid UTF-8')?.where).toBe('partition 1, offset 1');
  });

  test('is read without a consumer group', async () => {
    const topic = await topicOf();
    await producer.send({ topic, messages: [{ value: '{"id":1}' }, { value: '{"id":2}' }] });
    const before = (await admin.listGroups()).groups.map(({ groupId }) => groupId);
    expect((await profiled(topic)).rows).toHaveLength(2);
    expect((await admin.listGroups()).groups.map(({ groupId }) => groupId)).toEqual(before);
  });
});
