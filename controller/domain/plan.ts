import type { Check } from './pipeline.ts';
import type { Profile } from './profile.ts';

/** Values by name, as conditions see them. */
export type Values = Readonly<Record<string, unknown>>;

export type Profiles = Readonly<Record<string, Profile>>;

/** What a step's Spark application is given. Memory as Spark writes it (`2g`). */
export interface SparkSettings {
  readonly executors: number;
  readonly executorCores: number;
  readonly executorMemory: string;
  readonly driverMemory: string;
  readonly partitions: number;
  readonly profile: JvmProfile;
  readonly conf: Readonly<Record<string, string>>;
}

/** `quick` compiles less and starts sooner; `steady` is the JVM's own way, better for long work. */
export type JvmProfile = 'quick' | 'steady';

/** What the cluster offers. */
export interface Cluster {
  /** Cores that are free now; all there are, when none is. */
  readonly cores: number;
  /** Whether others have all cores at the moment. */
  readonly busy?: boolean;
  /** The cores of each worker that has some; one worker with all of them, when left out. */
  readonly workers?: readonly number[];
  /** All cores of the largest worker; unknown, when left out, as is then whether its memory is no guess. */
  readonly largestCores?: number;
  /** Why all of this is a guess, when it is one. */
  readonly assumed?: string;
  /** What one executor, or the driver, may have at most: a worker's memory, in MiB. */
  readonly largestMb: number;
}

/** The branch a run takes, and why; with the branches before it and why not. */
export interface Choice {
  readonly branch: string | undefined;
  readonly reason: string;
  readonly rejected: readonly { readonly branch: string; readonly reason: string }[];
}

/** How a check came out: `passed`, or what the pipeline says of its failing. */
export interface Verdict {
  readonly name: string;
  readonly outcome: 'passed' | Check['otherwise'];
  readonly expect: string;
  /** The values it was judged by, such as `deliveries.rows = 200000`. */
  readonly because: string;
}

export interface PlannedStep {
  /** `fallback` steps wait until the step they replace has failed; `later` is decided when its needs have ended. */
  readonly role: 'run' | 'skip' | 'fallback' | 'later';
  readonly reason: string;
  /** Of a Spark step, with the reason for each of its settings. */
  readonly settings?: SparkSettings;
  readonly why?: Readonly<Record<string, string>>;
}

/** Everything a run will do, decided before anything is submitted. */
export interface Plan {
  readonly verdicts: readonly Verdict[];
  readonly quality: number;
  readonly choice: Choice;
  readonly steps: Readonly<Record<string, PlannedStep>>;
  /** What the cluster offered. */
  readonly cluster: Cluster;
  /** `go`, or why nothing is submitted: nothing to do (`skip`), or a check that ends the run (`fail`). */
  readonly verdict: 'go' | 'skip' | 'fail';
  readonly reason: string;
}
