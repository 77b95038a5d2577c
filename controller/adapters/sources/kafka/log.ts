import { createHash, randomUUID } from 'node:crypto';
import type { Admin, Kafka } from 'kafkajs';
import type { Duck } from '../../../clients/duckdb.ts';
import type { Column } from '../../../domain/pipeline.ts';
import type { PreviousRead } from '../../../domain/ports/source.ts';
import type { Storage, Uri } from '../../../domain/ports/storage.ts';
import { rejected } from '../../../lib/errors.ts';
import { didYouMean } from '../../../lib/suggest.ts';
import { below } from '../../../lib/uri.ts';
import { allExist, localFiles, own, parquet, type SnapshotOptions } from '../../../snapshot/snapshot.ts';
import { isKafkaPin, type KafkaPin, type TopicLog } from './pin.ts';

/** What earlier runs have read, and the offsets from which this run continues. */
export interface CarriedOver {
  readonly paths: readonly Uri[];
  /** The local files with the content of the paths. */
  readonly local: readonly string[];
  /** The DuckDB relation of the rows in the paths. */
  readonly relation: string;
  /** By partition. A partition that is missing here is read from its start. */
  readonly from: ReadonlyMap<number, number>;
  readonly bytes: number;
  readonly youngest: number;
  /** Whether to merge the rows into one file: some are no longer wanted, or there are many files. */
  readonly merge: boolean;
  readonly notes: readonly string[];
}

/** From this many files on, they are merged into one. */
const fewFiles = 8;
const nothing: CarriedOver = {
  paths: [],
  local: [],
  relation: parquet([]),
  from: new Map(),
  bytes: 0,
  youngest: 0,
  merge: false,
  notes: [],
};

async function withAdmin<T>(kafka: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Pins the current offsets of a topic. Throws a rejected SluiceError when the topic does not exist. */
export const pinOffsets = (kafka: Kafka, name: string, topic: string): Promise<KafkaPin> =>
  withAdmin(kafka, async (admin) => {
    const topics = await admin.listTopics();
    if (!topics.includes(topic)) {
      throw rejected(
        `${name}: there is no topic ${topic}${didYouMean(topic, topics)}`,
        'correct the source, or create the topic',
      );
    }
    const partitions = (await admin.fetchTopicOffsets(topic))
      .map((each) => ({ partition: each.partition, start: Number(each.low), end: Number(each.high) }))
      .sort((a, b) => a.partition - b.partition);
    return { kind: 'kafka', topic, partitions };
  });

/** A hash of the rules for messages. Rows that were checked by other rules are not carried over. */
export const rulesOf = ({ columns, key }: { readonly columns: readonly Column[]; readonly key: string }): string =>
  createHash('sha256').update(JSON.stringify({ columns, key })).digest('hex').slice(0, 16);

/** The first offset of each partition at or after a time, in milliseconds; empty for time 0. */
export const marksAt = (kafka: Kafka, topic: string, at: number): Promise<TopicLog['marks']> =>
  at === 0 ? Promise.resolve([]) : withAdmin(kafka, (admin) => admin.fetchTopicOffsetsByTimestamp(topic, at));

export const logOf = (earlier: PreviousRead | undefined): TopicLog | undefined =>
  isKafkaPin(earlier?.pin) ? earlier.pin.log : undefined;

/**
 * Continues from what the last published run has read, if the topic is still the same. Throws a rejected SluiceError
 * when messages expired before a run read them.
 */
export async function continueFrom(
  kafka: Kafka,
  name: string,
  topic: { readonly name: string; readonly columns: readonly Column[]; readonly key: string },
  pin: KafkaPin,
  earlier: PreviousRead | undefined,
  local: Carried,
): Promise<CarriedOver> {
  const last = earlier?.pin;
  if (!isKafkaPin(last) || last.topic !== pin.topic || !last.log) return nothing;
  const { log } = last;
  const readWhole = (why: string): CarriedOver => ({
    ...nothing,
    notes: [`${name}: ${why}; topic ${pin.topic} is read whole`],
  });
  if (!local) return readWhole('the snapshot of earlier runs is missing');
  if (log.rules !== rulesOf(topic)) return readWhole('its columns or its key have changed');
  if (!(await isSameTopic(kafka, pin, last, log)))
    return readWhole('the topic is not the one that the last run has read');

  const ends = new Map(last.partitions.map(({ partition, end }) => [partition, end]));
  const from = new Map(pin.partitions.map(({ partition, start }) => [partition, ends.get(partition) ?? start]));
  if (!earlier?.again) {
    for (const { partition, start } of pin.partitions) {
      const next = from.get(partition) as number;
      if (next < start)
        throw rejected(
          `${name}: events ${next} to ${start - 1} of partition ${partition} of ${pin.topic} expired before a run read them`,
          'increase the retention of the topic; `sluice backfill` accepts the gap and reads what is left',
        );
    }
    return { ...log, local, relation: parquet(local), from, merge: local.length >= fewFiles, notes: [] };
  }
  const marks = new Map(
    (await marksAt(kafka, pin.topic, earlier.since ?? 0)).map(({ partition, offset }) => [partition, Number(offset)]),
  );
  for (const { partition, start } of pin.partitions) {
    const next = Math.min(from.get(partition) as number, marks.get(partition) ?? start);
    from.set(partition, Math.max(start, next));
  }
  return { ...log, local, relation: parquet(local), from, merge: true, notes: [] };
}

/** A topic that was created again maps the youngest time to other offsets, or ends too early. */
async function isSameTopic(kafka: Kafka, pin: KafkaPin, last: KafkaPin, log: TopicLog): Promise<boolean> {
  const ends = new Map(last.partitions.map(({ partition, end }) => [partition, end]));
  if (
    last.partitions.some(
      ({ partition, end }) => (pin.partitions.find((p) => p.partition === partition)?.end ?? 0) < end,
    )
  )
    return false;
  const starts = new Map(pin.partitions.map(({ partition, start }) => [partition, start]));
  const before = new Map(log.marks.map(({ partition, offset }) => [partition, Number(offset)]));
  const now = await marksAt(kafka, pin.topic, log.youngest);
  return now.every(({ partition, offset }) => {
    const [mark, end, start] = [before.get(partition), ends.get(partition) ?? 0, starts.get(partition) ?? 0];
    // If no message was that young, the first later message has its place. What retention has removed cannot be
    // compared.
    const found = Number(offset);
    return mark === undefined || mark < start || found === mark || (mark >= end && found >= end);
  });
}

/** The DuckDB relation of the carried rows that are not read again. */
export function carriedRows({ relation, from, merge }: CarriedOver): string {
  if (!merge) return relation;
  const wanted = [...from].map(([partition, next]) => `(${own.part} = ${partition} AND ${own.pos} < ${next})`);
  return `(SELECT * FROM ${relation} WHERE ${wanted.join(' OR ') || 'true'})`;
}

/** Runs before version 0.2 used other names for Sluice's columns; such files are rewritten. */
export async function inTodaysNames(duck: Duck, before: CarriedOver): Promise<CarriedOver> {
  if (before.paths.length === 0) return before;
  const columns = await duck.columns(before.relation);
  if (!columns.some(({ name }) => name === '_pos')) return before;
  const names = (['reason', 'raw', 'where', 'fields', 'original', 'part', 'pos'] as const).map(
    (name) => `_${name} AS ${own[name]}`,
  );
  return { ...before, relation: `(SELECT * RENAME (${names.join(', ')}) FROM ${before.relation})`, merge: true };
}

/** Local files of what earlier runs have read; undefined when one of them is missing. */
export type Carried = readonly string[] | undefined;

export const carriedFrom = async (storage: Storage, paths: readonly Uri[]): Promise<Carried> =>
  (await allExist(storage, paths)) ? localFiles(storage, paths) : undefined;

/** Copies the carried files into the run's own folder, so that they exist as long as the run does. */
export const copied = (paths: readonly Uri[], name: string, { storage, folder }: SnapshotOptions): Promise<Uri[]> =>
  Promise.all(
    paths.map(async (path) => {
      const own = below(folder, `${name}-${randomUUID().slice(0, 8)}.parquet`);
      await storage.copy(path, own);
      return own;
    }),
  );
