import type { Submission } from '../events.ts';
import type { SparkSettings } from '../plan.ts';

/** A Spark batch, ready to be submitted anywhere. Holds no secret: passwords are in files that its properties name. */
export interface BatchJob {
  readonly jar: string;
  readonly mainClass: string;
  readonly args: readonly string[];
  readonly settings: SparkSettings;
  /** JVM system properties for driver and executors. */
  readonly properties: Readonly<Record<string, string>>;
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
  /** Nobody knows the key at the moment; it may be about to appear, or gone for good. */
  readonly unknown?: true;
}

/**
 * Where Spark applications run. Every call may throw a SluiceError: `rejected` (the request is wrong, repeating it will
 * not help), `unavailable` (the backend did not get it), `unknown-outcome` (it may have: ask `find`).
 */
export interface BatchBackend {
  /** Submits once: the same key twice gives the same submission. */
  submit(job: BatchJob, key: string): Promise<Submission>;
  /** The submission with this key, dead or alive; undefined when there never was one. */
  find(key: string): Promise<Submission | undefined>;
  observe(submission: Submission): Promise<Observation>;
  /** Resolves when the application is confirmed dead, also when it was so before. */
  cancel(submission: Submission): Promise<void>;
  /** The last lines of the driver's log. */
  logs(submission: Submission): Promise<readonly string[]>;
}

export const ended = (state: BatchState): boolean =>
  state === 'succeeded' || state === 'failed' || state === 'cancelled';
