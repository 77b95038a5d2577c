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
  /** The last day or moment in each column of these types, as ISO text; of valid rows. */
  readonly latest?: Readonly<Record<string, string>>;
  /** Set when the numbers are an estimate, from so many bytes of the source; Spark counts exactly what it reads. */
  readonly estimatedFrom?: number;
}

/** Which rows a run reads, fixed when it was measured, so that every attempt reads the same. */
export type Pin = CsvPin | PostgresPin | KafkaPin;

/** The rows of a source as they were measured, in Parquet files that driver and executors can read. */
export interface Kept {
  readonly paths: readonly string[];
  /** Spark's types. Every file also has `__sluice_reason`, why a row is invalid, and `__sluice_raw`, such a row as it was read. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

interface MayBeKept {
  /** Where there is one, every attempt reads this, whatever becomes of the source. */
  readonly kept?: Kept;
}

export interface CsvPin extends MayBeKept {
  readonly kind: 'csv';
  readonly files: readonly { readonly path: string; readonly size: number; readonly mtimeMs: number }[];
  /** Rows of all files, counted without an engine; an engine that reads them must find as many. */
  readonly records?: number;
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
  readonly log?: TopicLog;
}

/** All that was ever read of a topic, so that the next run reads only what came after it. */
export interface TopicLog {
  readonly paths: readonly string[];
  /** The files of the run that it goes on from; of no use once this run is published. */
  readonly replaces: readonly string[];
  /** How many of its rows earlier runs have read. */
  readonly carried: number;
  readonly bytes: number;
  /** What the rows were judged by. */
  readonly rules: string;
  /** The time of the youngest message, and the offsets a topic gives for it: by these it is known again. Milliseconds. */
  readonly youngest: number;
  readonly marks: readonly { readonly partition: number; readonly offset: string }[];
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
  /** What the last published run counted. */
  readonly last?: Measures;
  /** The CSV file of the rows that were put aside. */
  readonly quarantine?: string;
  /** What a person should know of how it was read. */
  readonly notes?: readonly string[];
}

/** What a check of rows has found. */
export interface Finding {
  readonly source: string;
  /** Rows that break it, of so many that were valid before it. */
  readonly rows: number;
  readonly of: number;
  readonly examples: readonly Example[];
}

/** What was measured, once the rows themselves have been looked at. */
export interface Reviewed {
  readonly profiles: Readonly<Record<string, Profile>>;
  /** By the check's name. */
  readonly findings: Readonly<Record<string, Finding>>;
}
