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

/** Which rows a run reads, fixed when it was measured, so that every attempt reads the same. Plain JSON; what else is in it is its kind's. */
export interface Pin {
  /** The source's. */
  readonly kind: string;
  /** The snapshot that every attempt reads, when there is one. */
  readonly kept?: Snapshot;
  /** Rows of the source, counted without the engine that measured it; an engine that reads it must find as many. */
  readonly records?: number;
  /** What runs of a pipeline hand on to each other: the files of this run, and those of the run it continues. */
  readonly log?: { readonly paths: readonly string[]; readonly replaces: readonly string[] };
  readonly [field: string]: unknown;
}

/** The rows of a source as they were measured, in Parquet files that driver and executors can read. */
export interface Snapshot {
  readonly paths: readonly string[];
  /** Spark's types. Every file also has `__sluice_reason`, why a row is invalid, and `__sluice_raw`, such a row as it was read. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
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
  /** The CSV file of the quarantined rows. */
  readonly quarantine?: string;
  /** What a person should know of how it was read. */
  readonly notes?: readonly string[];
}

/** The result of a row check. */
export interface CheckResult {
  readonly source: string;
  /** Rows that break it, of so many that were valid before it. */
  readonly rows: number;
  readonly of: number;
  readonly examples: readonly Example[];
}

/** The profiles of the sources, and the results of the row checks. */
export interface CheckedProfiles {
  readonly profiles: Readonly<Record<string, Profile>>;
  /** By the check's name. */
  readonly findings: Readonly<Record<string, CheckResult>>;
}
