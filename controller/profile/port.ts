import type { Source } from '../pipeline/schema.ts';

/** What was counted in one source. Ratios and verdicts are for decide/; here are only numbers. */
export interface Measures {
  /** Rows read: `valid + invalid`. */
  readonly rows: number;
  readonly valid: number;
  readonly invalid: number;
  /** Rows by the first rule each broke, such as `order_id: missing`. */
  readonly invalidByReason: Readonly<Record<string, number>>;
  /** Empty values a column, over the rows whose columns could be told apart. */
  readonly nulls: Readonly<Record<string, number>>;
  /** Valid rows whose key an earlier row has too. */
  readonly duplicates: number;
  readonly bytes: number;
  /** Rows that the last published run did not read; all, when there was none. */
  readonly new: number;
}

/** Which rows a run reads, fixed when it was measured, so that every attempt reads the same. */
export type Pin = CsvPin | PostgresPin | KafkaPin;

/** The rows of a source as they were measured, in a Parquet file that driver and executors can read. */
export interface Kept {
  readonly path: string;
  /** Spark's types. Every file has `_reason`, why a row is invalid, and `_raw`, such a row as it was read, besides. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

interface MayBeKept {
  /** Where there is one, every attempt reads this, whatever becomes of the source. */
  readonly kept?: Kept;
}

export interface CsvPin extends MayBeKept {
  readonly kind: 'csv';
  readonly files: readonly { readonly path: string; readonly size: number; readonly mtimeMs: number }[];
}

export interface PostgresPin extends MayBeKept {
  readonly kind: 'postgres';
  readonly table: string;
  /** An exported snapshot; readable while the probe that made it is open. */
  readonly snapshot: string;
  /** pg_current_snapshot(): tells which rows are newer, long after the snapshot itself is gone. */
  readonly visible: string;
  /** Pages of 8 KiB, for reading in even ranges; 0 when it is a view. */
  readonly pages: number;
}

export interface KafkaPin extends MayBeKept {
  readonly kind: 'kafka';
  readonly topic: string;
  /** Offsets from `start` up to, without, `end`. */
  readonly partitions: readonly { readonly partition: number; readonly start: number; readonly end: number }[];
}

export interface Example {
  readonly reason: string;
  /** `deliveries-02.csv:17`, or partition and offset, or the key of a table's row. */
  readonly where: string;
  readonly text: string;
}

export interface Profile {
  readonly measures: Measures;
  readonly pin: Pin;
  readonly examples: readonly Example[];
}

/**
 * Measures sources and pins their rows. Reads everything once, holds nothing whole in memory.
 * Throws a rejected SluiceError for what a person must mend (no such file, table, topic or column; another header),
 * an unavailable one when a server does not answer. Pins of a probe may lose their value when it is closed.
 */
export interface SourceProbe {
  profile(name: string, source: Source, previous?: Pin): Promise<Profile>;
  /** The first `n` rows as read, before any rule is applied. */
  sample(name: string, source: Source, n: number): Promise<readonly Readonly<Record<string, string | null>>[]>;
  /** Whether what was pinned can still be read as it was; a probe that another process had may have held it. */
  holds(source: Source, pin: Pin): Promise<boolean>;
  close(): Promise<void>;
}
