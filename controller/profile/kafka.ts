import { randomUUID } from 'node:crypto';
import type { DuckDBAppender } from '@duckdb/node-api';
import type { Kafka, KafkaMessage } from 'kafkajs';
import { type Duck, literal, openDuck } from '../connect/duckdb.ts';
import { explainKafka, kafkaClient } from '../connect/kafka.ts';
import { SluiceError } from '../errors.ts';
import { type Column, columnsOf, type Source } from '../pipeline/schema.ts';
import { type Before, carriedRows, goOn, linked, logOf, marksAt, pinOffsets, rulesOf } from './kafka-log.ts';
import { asJson, type Keeping, keep, parquet, typedColumn } from './keep.ts';
import { measured } from './measure.ts';
import type { Earlier, KafkaPin, SourceProbe, TopicLog } from './port.ts';
import { duckdb, reasonSql } from './rules.ts';

type KafkaSource = Extract<Source, { kafka: string }>;

/** No message for this long, with some still to come, is a broker that has stopped answering. */
const silence = 30_000;
/** Said of a message whose value is no JSON object; the runner says the same. */
export const notAnObject = 'not a JSON object';

/**
 * Topics whose messages are JSON objects. The offsets are pinned first; then every message that no earlier run has read is
 * read once, because with compaction or transactions end − start is no row count.
 */
export function kafkaProbe(options: {
  brokersOf: (connection: string) => readonly string[];
  scratch: string;
  keeping?: Keeping | undefined;
}): SourceProbe {
  const { keeping } = options;
  async function within<T>(source: Source, work: (topic: Topic) => Promise<T>): Promise<T> {
    const { kafka: connection, topic, key } = source as KafkaSource;
    const brokers = options.brokersOf(connection);
    const duck = await openDuck(options.scratch);
    try {
      await duck.run('CREATE TABLE messages (part INTEGER, pos BIGINT, text VARCHAR)');
      return await work({ name: topic, key, columns: columnsOf(source), kafka: kafkaClient(brokers), duck });
    } catch (error) {
      throw explainKafka(error, brokers);
    } finally {
      await duck.close();
    }
  }
  return {
    profile: (name, source, earlier) =>
      within(source, async (topic) => {
        const { duck, kafka } = topic;
        const pin = await pinOffsets(kafka, name, topic.name);
        const before = await goOn(kafka, name, topic, pin, earlier);
        const read = await load(kafka, pin, before.from, duck, Number.POSITIVE_INFINITY);
        await duck.run(`CREATE VIEW fresh AS ${freshRows(topic.columns)}`);
        const carried = before.paths.length === 0 ? undefined : carriedRows(before);
        const all = carried ? `(SELECT * FROM fresh UNION ALL BY NAME SELECT * FROM ${carried})` : 'fresh';
        const bytes = Math.round(read.bytes + before.bytes * (carried ? await shareOf(duck, before, carried) : 0));
        const count = (relation: string) =>
          measured(duck, `(SELECT *, ${newSince(before, earlier)} AS _new FROM ${relation})`, topic.key, bytes);
        const { notes } = before;
        if (!keeping || (read.bytes > keeping.upToBytes && !carried)) return { ...(await count(all)), pin, notes };

        const kept = await keep(duck, name, before.merge ? all : 'fresh', keeping);
        const paths = [...(before.merge ? [] : await linked(before.paths, name, keeping.folder)), ...kept.paths];
        const counted = await count(parquet(paths));
        const youngest = Math.max(before.youngest, read.youngest);
        const log: TopicLog = {
          paths,
          replaces: logOf(earlier)?.paths ?? [],
          carried: counted.measures.rows - read.count,
          bytes,
          rules: rulesOf(topic),
          youngest,
          marks: await marksAt(kafka, topic.name, youngest),
        };
        return { ...counted, pin: { ...pin, kept: { ...kept, paths }, log }, notes };
      }),
    sample: (name, source, n) =>
      within(source, async ({ name: topic, columns, kafka, duck }) => {
        const pin = await pinOffsets(kafka, name, topic);
        await load(kafka, pin, new Map(), duck, n);
        const names = columns.map((c) => `"${c.name}"`).join(', ');
        return (await duck.rows(`SELECT ${names} FROM (${fieldsOf(columns)}) LIMIT ${n}`)) as Record<string, string>[];
      }),
    // The runner asks for these very offsets, and fails when they are gone.
    holds: async () => true,
    close: async () => undefined,
  };
}

interface Topic {
  readonly name: string;
  readonly key: string;
  readonly columns: readonly Column[];
  readonly kafka: Kafka;
  readonly duck: Duck;
}

/** Whether a row is one that the last published run has not read. */
function newSince({ notes }: Before, earlier: Earlier | undefined): string {
  const last = earlier?.pin;
  if (last?.kind !== 'kafka' || earlier?.again || notes.length > 0) return 'true';
  const old = last.partitions.map((p) => `(_part = ${p.partition} AND _pos < ${p.end})`).join(' OR ');
  return `NOT (${old || 'false'})`;
}

/** How much of what was carried is still wanted. */
async function shareOf(duck: Duck, { paths, merge }: Before, carried: string): Promise<number> {
  if (!merge) return 1;
  const [share] = await duck.rows(
    `SELECT (SELECT count(*) FROM ${carried}) / greatest(1, (SELECT count(*) FROM ${parquet(paths)})) AS share`,
  );
  return Number(share?.share ?? 1);
}

/** A message that is no object has no columns, and its text is all there is of it. */
function freshRows(columns: readonly Column[]): string {
  const invalid = (sql: string): string => `CASE WHEN _reason IS NOT NULL THEN ${sql} END`;
  const fields = `CASE WHEN _object THEN ${asJson(columns)} END`;
  const judged = `SELECT *, CASE WHEN NOT _object THEN ${literal(notAnObject)} ELSE ${reasonSql(columns, duckdb, true)} END AS _reason FROM (${fieldsOf(columns)})`;
  return `SELECT ${columns.map(typedColumn).join(', ')}, _reason, ${invalid(`coalesce(text, '')`)} AS _raw,
            ${invalid(`'partition ' || part || ', offset ' || pos`)} AS _where, ${invalid(fields)} AS _fields,
            ${invalid(`coalesce(${fields}, text, '')`)} AS _original, part AS _part, pos AS _pos
          FROM (${judged})`;
}

/** The messages as text columns; a JSON null and an empty text are both NULL, as in CSV. */
function fieldsOf(columns: readonly Column[]): string {
  const fields = columns.map(
    ({ name }) =>
      `CASE WHEN _object THEN nullif(json_extract_string(text, ${literal(`$."${name}"`)}), '') END AS "${name}"`,
  );
  return `SELECT part, pos, text, _object, ${fields.join(', ')}
          FROM (SELECT *, CASE WHEN json_valid(text) THEN json_type(text) = 'OBJECT' ELSE false END AS _object FROM messages)`;
}

/** Reads up to `limit` messages, from given offsets to the pinned ends, into table `messages`. */
async function load(
  kafka: Kafka,
  pin: KafkaPin,
  from: ReadonlyMap<number, number>,
  duck: Duck,
  limit: number,
): Promise<{ bytes: number; count: number; youngest: number }> {
  const ranges = pin.partitions.map(({ partition, start, end }) => ({
    partition,
    start: from.get(partition) ?? start,
    end,
  }));
  const open = new Map(ranges.filter((p) => p.end > p.start).map((p) => [p.partition, p]));
  let youngest = 0;
  if (open.size === 0) return { bytes: 0, count: 0, youngest };
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
              youngest = Math.max(youngest, Number(message.timestamp));
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
  return { bytes, count, youngest };
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
