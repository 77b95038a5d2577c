import type { Past } from './past.ts';

/** The counts of one source. planning/ computes ratios and verdicts. */
export interface Measures {
  /** Rows read: `valid + invalid`. */
  readonly rows: number;
  readonly valid: number;
  readonly invalid: number;
  /** Rows by the first rule each broke, such as `order_id: missing`. */
  readonly invalidByReason: Readonly<Record<string, number>>;
  /** Nulls by column, over the rows that could be split into columns. */
  readonly nulls: Readonly<Record<string, number>>;
  /** Valid rows whose key an earlier row already has. */
  readonly duplicates: number;
  readonly bytes: number;
  /** Rows that the last published run did not read; all rows in the first run. */
  readonly new: number;
  /** The latest day or time in each column of these types, as ISO text; over valid rows. */
  readonly latest?: Readonly<Record<string, string>>;
  /** Set when the counts are an estimate from this many bytes of the source. Spark counts exactly what it reads. */
  readonly estimatedFrom?: number;
}

/**
 * Identifies the rows that a run reads, fixed at measurement, so that every attempt reads the same. Plain JSON; further
 * fields belong to its kind.
 */
export interface Pin {
  /** The kind of its source. */
  readonly kind: string;
  /** The snapshot that every attempt reads, if there is one. */
  readonly kept?: Snapshot;
  /**
   * The number of records, counted without the measuring engine. Every engine that reads the source must find as many.
   */
  readonly records?: number;
  /** Files that runs of a pipeline hand over: those of this run, and those of the run that it continues. */
  readonly log?: { readonly paths: readonly string[]; readonly replaces: readonly string[] };
  readonly [field: string]: unknown;
}

/** The measured rows of a source, in Parquet files that driver and executors can read. */
export interface Snapshot {
  readonly paths: readonly string[];
  /**
   * Spark's types. Every file also has `__sluice_reason`, why a row is invalid, and `__sluice_raw`, the invalid row as
   * it was read.
   */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

export interface Example {
  readonly reason: string;
  /** `deliveries-02.csv:17`, or partition and offset, or the key of a table row. */
  readonly where: string;
  readonly text: string;
}

export interface Profile {
  readonly measures: Measures;
  readonly pin: Pin;
  readonly examples: readonly Example[];
  /** The measures of the last published run. */
  readonly last?: Measures;
  /** The CSV file of the quarantined rows. */
  readonly quarantine?: string;
  /** Notes for people about how it was read. */
  readonly notes?: readonly string[];
}

/** The result of a row check. */
export interface CheckResult {
  readonly source: string;
  /** The rows that fail it, and the rows that were valid before it. */
  readonly rows: number;
  readonly of: number;
  readonly examples: readonly Example[];
}

/** The profiles of the sources, and the results of the row checks. */
export interface CheckedProfiles {
  readonly profiles: Readonly<Record<string, Profile>>;
  /** By the name of the check. */
  readonly findings: Readonly<Record<string, CheckResult>>;
  /** What `normal()` in checks compares with. */
  readonly past?: Past;
}
