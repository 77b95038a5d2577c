import { dirname } from 'node:path';
import type { Kafka } from 'kafkajs';
import type { Duck } from '../../../clients/duckdb.ts';
import { explainKafka, kafkaClient } from '../../../clients/kafka.ts';
import { identifier, literal } from '../../../clients/sql.ts';
import type { KafkaAddress } from '../../../config/addresses.ts';
import { type Column, columnsOf, type Source } from '../../../domain/pipeline.ts';
import type { PreviousRead, SourceReader } from '../../../domain/ports/source.ts';
import type { Storage } from '../../../domain/ports/storage.ts';
import { measureRelation } from '../../../snapshot/measure.ts';
import { measureInDuck } from '../../../snapshot/measuring-duck.ts';
import { duckdb, reasonSql } from '../../../snapshot/rules.ts';
import {
  asJson,
  jsonTexts,
  materialize,
  own,
  parquet,
  type SnapshotOptions,
  typedColumn,
  writeSnapshot,
} from '../../../snapshot/snapshot.ts';
import type { KafkaSource } from './driver.ts';
import { exactColumns } from './json.ts';
import {
  type Carried,
  type CarriedOver,
  carriedFrom,
  carriedRows,
  continueFrom,
  copied,
  inTodaysNames,
  logOf,
  marksAt,
  pinOffsets,
  rulesOf,
} from './log.ts';
import { messages } from './messages.ts';
import { isKafkaPin, type TopicLog } from './pin.ts';
import { readMessages } from './read.ts';

/** The reason for a message whose value is not a JSON object. The runner uses the same words. */
const notAnObject = 'not a JSON object';
/** The reason for a message that is not text. The runner uses the same words. */
const notText = 'not valid UTF-8';

/**
 * Topics of JSON objects. The offsets are pinned first. Then every message that no earlier run has read is read once:
 * with compaction or transactions, end − start is not a row count.
 */
export function kafkaReader(options: {
  addressOf: (connection: string) => KafkaAddress;
  scratch: string;
  storage: Storage;
  snapshots?: SnapshotOptions | undefined;
}): SourceReader {
  const { storage, snapshots } = options;
  async function within<T>(
    source: Source,
    earlier: PreviousRead | undefined,
    work: (topic: Topic, carried: Carried) => Promise<T>,
  ): Promise<T> {
    const { kafka: connection, topic, key } = source as KafkaSource;
    const address = options.addressOf(connection);
    const carried = await carriedFrom(storage, logOf(earlier)?.paths ?? []);
    try {
      return await measureInDuck(options.scratch, carried?.map(dirname) ?? [], (duck) =>
        work({ name: topic, key, columns: columnsOf(source), kafka: kafkaClient(address), duck }, carried),
      );
    } catch (error) {
      throw explainKafka(error, address.brokers);
    }
  }
  return {
    profile: (name, source, earlier) =>
      within(source, earlier, async (topic, local) => {
        const { duck, kafka } = topic;
        const pin = await pinOffsets(kafka, name, topic.name);
        const before = await inTodaysNames(duck, await continueFrom(kafka, name, topic, pin, earlier, local));
        const read = await readMessages(kafka, pin, before.from, exactColumns(topic.columns), duck);
        await duck.run(`CREATE VIEW fresh AS ${freshRows(topic.columns)}`);
        const carried = before.paths.length === 0 ? undefined : carriedRows(before);
        const all = carried ? `(SELECT * FROM fresh UNION ALL BY NAME SELECT * FROM ${carried})` : 'fresh';
        const bytes = Math.round(read.bytes + before.bytes * (carried ? await shareOf(duck, before, carried) : 0));
        const count = (relation: string) =>
          measureRelation(
            duck,
            `(SELECT *, ${newSince(before, earlier)} AS ${own.isNew} FROM ${relation})`,
            topic.key,
            bytes,
          );
        const { notes } = before;
        if (!snapshots || (read.bytes > snapshots.maximumBytes && !carried))
          return { ...(await count(all)), pin, notes };

        const snapshot = await materialize(duck, name, before.merge ? all : 'fresh');
        const counted = await count(parquet([...(before.merge ? [] : before.local), snapshot.file]));
        const kept = await writeSnapshot(snapshot, snapshots);
        const paths = [...(before.merge ? [] : await copied(before.paths, name, snapshots)), ...kept.paths];
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
    // The runner requires exactly these offsets, and fails when they have expired.
    isReadable: async () => true,
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

/** The SQL condition of rows that the last published run has not read. */
function newSince({ notes }: CarriedOver, earlier: PreviousRead | undefined): string {
  const last = earlier?.pin;
  if (!isKafkaPin(last) || earlier?.again || notes.length > 0) return 'true';
  const old = last.partitions.map((p) => `(${own.part} = ${p.partition} AND ${own.pos} < ${p.end})`).join(' OR ');
  return `NOT (${old || 'false'})`;
}

/** The share of the carried rows that is still wanted, from 0 to 1. */
async function shareOf(duck: Duck, { relation, merge }: CarriedOver, carried: string): Promise<number> {
  if (!merge) return 1;
  const [share] = await duck.rows(
    `SELECT (SELECT count(*) FROM ${carried}) / greatest(1, (SELECT count(*) FROM ${relation})) AS share`,
  );
  return Number(share?.share ?? 1);
}

/** The SQL of the messages as rows. A message that is not an object has only its text, and no columns. */
export function freshRows(columns: readonly Column[]): string {
  const { text, part, pos } = messages;
  const invalid = (sql: string): string => `CASE WHEN ${own.reason} IS NOT NULL THEN ${sql} END`;
  const fields = `CASE WHEN ${isObject} THEN ${asJson(columns)} END`;
  const reason = `CASE WHEN NOT ${messages.isText} THEN ${literal(notText)} WHEN NOT ${isObject} THEN ${literal(notAnObject)} ELSE ${reasonSql(columns, duckdb, true)} END`;
  return `SELECT ${columns.map((column) => typedColumn(column)).join(', ')}, ${own.reason}, ${invalid(`coalesce(${text}, '')`)} AS ${own.raw},
            ${invalid(`'partition ' || ${part} || ', offset ' || ${pos}`)} AS ${own.where}, ${invalid(fields)} AS ${own.fields},
            ${invalid(`coalesce(${fields}, ${text}, '')`)} AS ${own.original}, ${part} AS ${own.part}, ${pos} AS ${own.pos}
          FROM (SELECT *, ${reason} AS ${own.reason} FROM (${fieldsOf(columns)}))`;
}

const [isObject, found] = ['__sluice_object', '__sluice_fields_found'];

/**
 * The SQL of the messages as text columns. A JSON null and an empty text become NULL, as in CSV. DuckDB parses a message
 * twice: to know that it is valid, and for all fields at once.
 */
function fieldsOf(columns: readonly Column[]): string {
  const { text, instead, part, pos, isText, table } = messages;
  const fields = columns.map(({ name }, i) => `nullif(${found}[${i + 1}], '') AS ${identifier(name)}`);
  return `SELECT ${[part, pos, text, isText, isObject, ...fields].join(', ')}
          FROM (SELECT *, ${jsonTexts(`CASE WHEN ${isObject} THEN coalesce(${instead}, ${text}) END`, columns)} AS ${found}
                FROM (SELECT *, ${instead} IS DISTINCT FROM '' AND json_valid(${text}) AS ${isObject} FROM ${table}))`;
}
