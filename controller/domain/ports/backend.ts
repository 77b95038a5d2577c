import type { Submission } from '../events.ts';
import type { FailureKind } from '../failure-kinds.ts';
import type { Cluster, SparkSettings } from '../plan.ts';

/**
 * A run of the Spark runner, ready for submission to any backend, which knows where the runner is. It holds no secret.
 */
export interface BatchJob {
  /** The location of the job description, the runner's only argument. */
  readonly spec: string;
  readonly settings: SparkSettings;
  /** JVM system properties for driver and executors. */
  readonly properties: Readonly<Record<string, string>>;
  /** Files that only driver and executors may read, each with the system property that holds its path. */
  readonly secretFiles: readonly { readonly property: string; readonly path: string }[];
  /** Labels that the backend shows with its batches: pipeline, run, step, attempt, and perhaps traceparent. */
  readonly labels: Readonly<Record<string, string>>;
}

/** The properties of a backend. Milliseconds. */
export interface BackendTraits {
  /** Poll intervals of a batch, the first and the longest. */
  readonly poll: { readonly firstMs: number; readonly longestMs: number };
  /** How long a batch may stay pending before it counts as stuck. */
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
  /** The page for people: the live Spark UI, or the history server afterwards. */
  readonly ui?: string;
  readonly progress?: Progress;
  /** The backend's reason for a failure, if it gives one. */
  readonly detail?: string;
  /** The key is unknown at the moment; the batch may be about to appear, or lost. */
  readonly unknown?: true;
}

/**
 * Where Spark applications run. Every call may throw a SluiceError: `rejected` (the request is wrong, a repetition does
 * not help), `unavailable` (the backend did not receive it), `unknown-outcome` (it may have: ask `find`).
 */
export interface BatchBackend {
  readonly traits: BackendTraits;
  /** Throws a SluiceError with a hint when the backend cannot accept work now. */
  check(): Promise<void>;
  /** The resources that the backend offers now. */
  capacity(): Promise<Cluster>;
  /** Submits once: a second call with the same key returns the same submission. */
  submit(job: BatchJob, key: string): Promise<Submission>;
  /** The submission with this key, running or ended; undefined when there never was one. */
  find(key: string): Promise<Submission | undefined>;
  observe(submission: Submission): Promise<Observation>;
  /** Resolves when the end of the application is confirmed, also when it had ended before. */
  cancel(submission: Submission): Promise<void>;
  /** The last lines of the driver's log. */
  logs(submission: Submission): Promise<readonly string[]>;
  /** Removes what the backend keeps of a batch that has ended, also its log. Left out when it keeps nothing. */
  forget?(submission: Submission): Promise<void>;
  /** The kind of a failure that only this backend can recognise. It takes precedence over the common table. */
  classify?(evidence: {
    readonly detail: string | undefined;
    readonly log: readonly string[];
  }): FailureKind | undefined;
}

export const hasEnded = (state: BatchState): boolean =>
  state === 'succeeded' || state === 'failed' || state === 'cancelled';
