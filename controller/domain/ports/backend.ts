import type { Submission } from '../events.ts';
import type { FailureKind } from '../failure-kinds.ts';
import type { Cluster, SparkSettings } from '../plan.ts';

/** A run of the Spark runner, ready to be submitted anywhere; where the runner is, the backend knows. Holds no secret itself. */
export interface BatchJob {
  /** Where the job description lies: the runner's only argument. */
  readonly spec: string;
  readonly settings: SparkSettings;
  /** JVM system properties for driver and executors. */
  readonly properties: Readonly<Record<string, string>>;
  /** Files that driver and executors need and nobody else may read, each with the system property that tells its path. */
  readonly secretFiles: readonly { readonly property: string; readonly path: string }[];
  /** By what people find it where the backend shows its batches: pipeline, run, step, attempt. */
  readonly labels: Readonly<Record<string, string>>;
}

/** What differs from backend to backend. Milliseconds. */
export interface BackendTraits {
  /** Poll intervals of a batch, the first and the longest. */
  readonly poll: { readonly firstMs: number; readonly longestMs: number };
  /** How long a batch may be on its way before it is taken for stuck. */
  readonly pendingMs: number;
  /** How long a submitted batch may be unknown to the backend and to Spark. */
  readonly unknownMs: number;
}

export type BatchState = 'pending' | 'running' | 'cancelling' | 'cancelled' | 'succeeded' | 'failed';

export interface Progress {
  readonly stage: string;
  readonly tasksDone: number;
  readonly tasks: number;
}

export interface Observation {
  readonly state: BatchState;
  readonly applicationId?: string;
  /** Where a person can look: the live Spark UI, or the history server afterwards. */
  readonly ui?: string;
  readonly progress?: Progress;
  /** Why it failed, where the backend says so. */
  readonly detail?: string;
  /** The key is unknown at the moment; the batch may be about to appear, or lost. */
  readonly unknown?: true;
}

/**
 * Where Spark applications run. Every call may throw a SluiceError: `rejected` (the request is wrong, repeating it will
 * not help), `unavailable` (the backend did not get it), `unknown-outcome` (it may have: ask `find`).
 */
export interface BatchBackend {
  readonly traits: BackendTraits;
  /** Throws a SluiceError with a hint when nothing could be submitted now. */
  check(): Promise<void>;
  /** What it offers now. */
  capacity(): Promise<Cluster>;
  /** Submits once: the same key twice gives the same submission. */
  submit(job: BatchJob, key: string): Promise<Submission>;
  /** The submission with this key, dead or alive; undefined when there never was one. */
  find(key: string): Promise<Submission | undefined>;
  observe(submission: Submission): Promise<Observation>;
  /** Resolves when the application is confirmed dead, also when it was so before. */
  cancel(submission: Submission): Promise<void>;
  /** The last lines of the driver's log. */
  logs(submission: Submission): Promise<readonly string[]>;
  /** The kind of a failure that this backend alone knows by its words; looked at before the common table. */
  classify?(evidence: {
    readonly detail: string | undefined;
    readonly log: readonly string[];
  }): FailureKind | undefined;
}

export const hasEnded = (state: BatchState): boolean =>
  state === 'succeeded' || state === 'failed' || state === 'cancelled';
