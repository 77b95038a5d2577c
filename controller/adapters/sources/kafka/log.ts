import { createHash, randomUUID } from 'node:crypto';
import type { Admin, Kafka } from 'kafkajs';
import type { Duck } from '../../../clients/duckdb.ts';
import type { Column } from '../../../domain/pipeline.ts';
import type { PreviousRead } from '../../../domain/ports/source.ts';
import type { Storage, Uri } from '../../../domain/ports/storage.ts';
import { rejected } from '../../../lib/errors.ts';
import { didYouMean } from '../../../lib/suggest.ts';
import { below } from '../../../lib/uri.ts';
import { localFiles, own, parquet, type SnapshotOptions } from '../../../snapshot/snapshot.ts';
import { isKafkaPin, type KafkaPin, type TopicLog } from './pin.ts';

/** What this run need not read again, and from which offsets on it has to. */
export interface CarriedOver {
  readonly paths: readonly Uri[];
  /** The files with their content. */
  readonly local: readonly string[];
  /** The rows of the paths, for DuckDB. */
  readonly relation: string;
  /** By partition; where there is none, from the partition's start. */
  readonly from: ReadonlyMap<number, number>;
  readonly bytes: number;
  readonly youngest: number;
  /** Whether the rows are to be written together into one file: some are not wanted any more, or there are many files. */
  readonly merge: boolean;
  readonly notes: readonly string[];
}

/** More files than this are written together into one. */
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

/** The offsets of a topic as they are now. Throws a rejected SluiceError when there is no such topic. */
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

/** What messages are judged by: rows judged by anything else are not carried over. */
export const rulesOf = ({ columns, key }: { readonly columns: readonly Column[]; readonly key: string }): string =>
  createHash('sha256').update(JSON.stringify({ columns, key })).digest('hex').slice(0, 16);

/** The offsets of the first messages that are at least so young. */
export const marksAt = (kafka: Kafka, topic: string, at: number): Promise<TopicLog['marks']> =>
  at === 0 ? Promise.resolve([]) : withAdmin(kafka, (admin) => admin.fetchTopicOffsetsByTimestamp(topic, at));

export const logOf = (earlier: PreviousRead | undefined): TopicLog | undefined =>
  isKafkaPin(earlier?.pin) ? earlier.pin.log : undefined;

/**
 * What the last published run has read, when this topic is still the one that it read. Throws a rejected SluiceError when
 * messages that no run has read are gone.
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

/** A topic that was made anew gives other offsets for the time of the youngest message, or ends too early. */
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
    // Where nothing was as young, what came since is; and what retention has taken, nobody can compare.
    const found = Number(offset);
    return mark === undefined || mark < start || found === mark || (mark >= end && found >= end);
  });
}

/** The carried rows that are not read again. */
export function carriedRows({ relation, from, merge }: CarriedOver): string {
  if (!merge) return relation;
  const wanted = [...from].map(([partition, next]) => `(${own.part} = ${partition} AND ${own.pos} < ${next})`);
  return `(SELECT * FROM ${relation} WHERE ${wanted.join(' OR ') || 'true'})`;
}

/** Our own columns were called otherwise in files that a run before version 0.2 has left; those are written once more. */
export async function inTodaysNames(duck: Duck, before: CarriedOver): Promise<CarriedOver> {
  if (before.paths.length === 0) return before;
  const columns = await duck.columns(before.relation);
  if (!columns.some(({ name }) => name === '_pos')) return before;
  const names = (['reason', 'raw', 'where', 'fields', 'original', 'part', 'pos'] as const).map(
    (name) => `_${name} AS ${own[name]}`,
  );
  return { ...before, relation: `(SELECT * RENAME (${names.join(', ')}) FROM ${before.relation})`, merge: true };
}

/** The files with what earlier runs have read; undefined when one of them is missing. */
export type Carried = readonly string[] | undefined;

export async function carriedFrom(storage: Storage, paths: readonly Uri[]): Promise<Carried> {
  const found = await Promise.all(paths.map((path) => storage.stat(path)));
  return found.includes(undefined) ? undefined : localFiles(storage, paths);
}

/** The carried files once more in the run's own folder, so that they live as long as it wants them. */
export const copied = (paths: readonly Uri[], name: string, { storage, folder }: SnapshotOptions): Promise<Uri[]> =>
  Promise.all(
    paths.map(async (path) => {
      const own = below(folder, `${name}-${randomUUID().slice(0, 8)}.parquet`);
      await storage.copy(path, own);
      return own;
    }),
  );
