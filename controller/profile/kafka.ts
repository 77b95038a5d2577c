import { randomUUID } from 'node:crypto';
import type { DuckDBAppender } from '@duckdb/node-api';
import type { Kafka, KafkaMessage } from 'kafkajs';
import { type Duck, literal, openDuck } from '../connect/duckdb.ts';
import { explainKafka, kafkaClient } from '../connect/kafka.ts';
import { rejected, SluiceError } from '../errors.ts';
import { type Column, columnsOf, type Source } from '../pipeline/schema.ts';
import { didYouMean } from '../pipeline/suggest.ts';
import { type Keeping, keep, typedColumn } from './keep.ts';
import { measureTable } from './measure.ts';
import type { Example, KafkaPin, Pin, Profile, SourceProbe } from './port.ts';
import { duckdb, reasonSql } from './rules.ts';

type KafkaSource = Extract<Source, { kafka: string }>;

/** No message for this long, with some still to come, is a broker that has stopped answering. */
const silence = 30_000;
/** Said of a message whose value is no JSON object; the runner says the same. */
export const notAnObject = 'not a JSON object';

/**
 * Topics whose messages are JSON objects. The offsets are pinned first; then every message between them is read once,
 * because with compaction or transactions end − start is no row count.
 */
export function kafkaProbe(options: {
  brokersOf: (connection: string) => readonly string[];
  scratch: string;
  keeping?: Keeping | undefined;
}): SourceProbe {
  /** Pins the topic, reads up to `limit` messages into a table of a DuckDB, and hands both on. */
  async function within<T>(name: string, source: Source, limit: number, work: (read: Read) => Promise<T>): Promise<T> {
    const topic = source as KafkaSource;
    const brokers = options.brokersOf(topic.kafka);
    const duck = await openDuck(options.scratch);
    try {
      const kafka = kafkaClient(brokers);
      const pin = await pinOffsets(kafka, name, topic.topic);
      await duck.run('CREATE TABLE messages (part INTEGER, pos BIGINT, text VARCHAR)');
      const bytes = await load(kafka, pin, duck, limit);
      return await work({ topic, columns: columnsOf(topic), pin, bytes, duck });
    } catch (error) {
      throw explainKafka(error, brokers);
    } finally {
      await duck.close();
    }
  }
  return {
    profile: (name, source, previous) =>
      within(name, source, Number.POSITIVE_INFINITY, async ({ topic, columns, pin, bytes, duck }) => {
        await duck.run(`CREATE TABLE rows AS ${typed(columns, pin, previous)}`);
        const measures = await measureTable(duck, 'rows', columns, topic.key, bytes, []);
        const found = await examples(duck);
        const { keeping } = options;
        if (!keeping || bytes > keeping.upToBytes) return { measures, pin, examples: found } satisfies Profile;
        const raw = `CASE WHEN _reason IS NOT NULL THEN coalesce(text, '') END AS _raw`;
        const query = `SELECT ${columns.map(typedColumn).join(', ')}, _reason, ${raw} FROM rows`;
        const kept = await keep(duck, name, query, keeping);
        return { measures, pin: { ...pin, kept }, examples: found } satisfies Profile;
      }),
    sample: (name, source, n) =>
      within(name, source, n, async ({ columns, pin, duck }) => {
        const names = columns.map((c) => `"${c.name}"`).join(', ');
        const rows = await duck.rows(`SELECT ${names} FROM (${typed(columns, pin, undefined)}) LIMIT ${n}`);
        return rows as Record<string, string | null>[];
      }),
    // The runner asks for these very offsets, and fails when they are gone.
    holds: async () => true,
    close: async () => undefined,
  };
}

/** A topic as it was read: its messages are in table `messages` of the DuckDB. */
interface Read {
  readonly topic: KafkaSource;
  readonly columns: readonly Column[];
  readonly pin: KafkaPin;
  readonly bytes: number;
  readonly duck: Duck;
}

async function pinOffsets(kafka: Kafka, name: string, topic: string): Promise<KafkaPin> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const topics = await admin.listTopics();
    if (!topics.includes(topic)) {
      throw rejected(
        `${name}: there is no topic ${topic}${didYouMean(topic, topics)}`,
        'correct the source, or create the topic',
      );
    }
    const offsets = await admin.fetchTopicOffsets(topic);
    const partitions = offsets
      .map((each) => ({ partition: each.partition, start: Number(each.low), end: Number(each.high) }))
      .sort((a, b) => a.partition - b.partition);
    return { kind: 'kafka', topic, partitions };
  } finally {
    await admin.disconnect();
  }
}

/** Reads up to `limit` messages between the pinned offsets into table `messages`; returns their bytes. */
async function load(kafka: Kafka, pin: KafkaPin, duck: Duck, limit: number): Promise<number> {
  const open = new Map(pin.partitions.filter((p) => p.end > p.start).map((p) => [p.partition, p]));
  if (open.size === 0) return 0;
  const groupId = `sluice-probe-${randomUUID()}`;
  const consumer = kafka.consumer({
    groupId,
    maxWaitTimeInMs: 200,
    maxBytesPerPartition: 4 << 20,
    retry: { retries: 4 },
  });
  const appender = await duck.appender('messages');
  let bytes = 0;
  let count = 0;
  let heard = Date.now();
  await consumer.connect();
  try {
    await consumer.subscribe({ topic: pin.topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const watch = setInterval(() => {
        if (Date.now() - heard < silence) return;
        reject(
          new SluiceError(`topic ${pin.topic}: no message for ${silence / 1000} s, with some still to come`, {
            kind: 'unavailable',
          }),
        );
      }, 1000).unref();
      const end = (settle: () => void): void => {
        clearInterval(watch);
        settle();
      };
      consumer.on(consumer.events.CRASH, ({ payload }) => end(() => reject(payload.error)));
      consumer
        .run({
          autoCommit: false,
          eachBatchAutoResolve: false,
          eachBatch: async ({ batch, resolveOffset, heartbeat }) => {
            heard = Date.now();
            const range = open.get(batch.partition);
            if (!range) return;
            for (const message of batch.messages) {
              const offset = Number(message.offset);
              if (offset < range.start || offset >= range.end || count >= limit) continue;
              append(appender, batch.partition, offset, message);
              bytes += (message.value?.length ?? 0) + (message.key?.length ?? 0);
              count += 1;
            }
            appender.flushSync();
            resolveOffset(batch.lastOffset());
            await heartbeat();
            if (Number(batch.lastOffset()) >= range.end - 1) {
              open.delete(batch.partition);
              consumer.pause([{ topic: pin.topic, partitions: [batch.partition] }]);
            }
            if (open.size === 0 || count >= limit) end(resolve);
          },
        })
        .then(() => {
          for (const p of open.values())
            consumer.seek({ topic: pin.topic, partition: p.partition, offset: String(p.start) });
        })
        .catch((error) => end(() => reject(error)));
    });
  } finally {
    appender.closeSync();
    await consumer.disconnect();
    await forget(kafka, groupId);
  }
  return bytes;
}

function append(appender: DuckDBAppender, partition: number, offset: number, { value }: KafkaMessage): void {
  appender.appendInteger(partition);
  appender.appendBigInt(BigInt(offset));
  if (value === null) appender.appendNull();
  else appender.appendVarchar(value.toString('utf8'));
  appender.endRow();
}

/** The probe's group has no use afterwards; a broker that keeps it forgets it by itself in time. */
async function forget(kafka: Kafka, groupId: string): Promise<void> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    await admin.deleteGroups([groupId]);
  } catch {
    // Only tidiness is lost.
  } finally {
    await admin.disconnect();
  }
}

/** The messages as rows of text columns with their reason; a JSON null and an empty text are both NULL, as in CSV. */
function typed(columns: readonly Column[], pin: KafkaPin, previous: Pin | undefined): string {
  const object = `CASE WHEN json_valid(text) THEN json_type(text) = 'OBJECT' ELSE false END`;
  const fields = columns
    .map(
      (c) =>
        `CASE WHEN ${object} THEN nullif(json_extract_string(text, ${literal(`$."${c.name}"`)}), '') END AS "${c.name}"`,
    )
    .join(', ');
  const seen = previous?.kind === 'kafka' && previous.topic === pin.topic ? previous.partitions : [];
  const old = seen.map((p) => `(part = ${p.partition} AND pos < ${p.end})`).join(' OR ') || 'false';
  return `SELECT *, CASE WHEN NOT _object THEN ${literal(notAnObject)} ELSE ${reasonSql(columns, duckdb, true)} END AS _reason
          FROM (SELECT part, pos, text, ${object} AS _object, NOT (${old}) AS _new, ${fields} FROM messages)`;
}

async function examples(duck: Duck): Promise<Example[]> {
  const rows = await duck.rows(
    `SELECT _reason, part, pos, left(text, 200) AS text FROM rows WHERE _reason IS NOT NULL
     QUALIFY row_number() OVER (PARTITION BY _reason ORDER BY part, pos) <= 2`,
  );
  return rows.map((row) => ({
    reason: String(row._reason),
    where: `partition ${row.part}, offset ${row.pos}`,
    text: String(row.text),
  }));
}
