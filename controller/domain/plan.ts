import type { Compared } from './past.ts';
import type { Check } from './pipeline.ts';
import type { Profile } from './profile.ts';

/** Values by name, as conditions use them. */
export type Values = Readonly<Record<string, unknown>>;

export type Profiles = Readonly<Record<string, Profile>>;

/** The settings of a step's Spark application. Memory as Spark writes it (`2g`). */
export interface SparkSettings {
  /** The embedded engine instead of Spark: one process, with the driver's memory and the cores of one executor. */
  readonly engine?: 'embedded';
  readonly executors: number;
  readonly executorCores: number;
  readonly executorMemory: string;
  readonly driverMemory: string;
  readonly partitions: number;
  readonly profile: JvmProfile;
  readonly conf: Readonly<Record<string, string>>;
}

/** `quick` compiles less and starts sooner; `steady` is the JVM's default, better for long work. */
export type JvmProfile = 'quick' | 'steady';

/** The resources of a cluster. */
export interface Cluster {
  /** Free cores; all cores when none is free. */
  readonly cores: number;
  /** Whether other applications use all cores. */
  readonly busy?: boolean;
  /** The cores of each worker that has some; left out, one worker has all of them. */
  readonly workers?: readonly number[];
  /** All cores of the largest worker; left out when the size of the workers is not known. */
  readonly largestCores?: number;
  /** Why these are assumed values, when they are. */
  readonly assumed?: string;
  /** The most memory of one executor or driver: that of the largest worker. MiB. */
  readonly largestMb: number;
}

/** The chosen branch and the reason; with the rejected branches before it. */
export interface Choice {
  readonly branch: string | undefined;
  readonly reason: string;
  readonly rejected: readonly { readonly branch: string; readonly reason: string }[];
}

/** The outcome of a check: `passed`, or its configured consequence. */
export interface Verdict {
  readonly name: string;
  readonly outcome: 'passed' | Check['otherwise'];
  readonly expect: string;
  /** The values that decided it, such as `deliveries.rows = 200000`. */
  readonly because: string;
  /** What `normal()` compared. */
  readonly compared?: readonly Compared[];
}

export interface PlannedStep {
  /**
   * `fallback` steps wait until the step they replace has failed; `later` is decided when its upstream steps have
   * ended.
   */
  readonly role: 'run' | 'skip' | 'fallback' | 'later';
  readonly reason: string;
  /** For a Spark step, with the reason for each setting. */
  readonly settings?: SparkSettings;
  readonly why?: Readonly<Record<string, string>>;
  /** Spark's settings, for a retry there of a step that the embedded engine was chosen for. */
  readonly onSpark?: SparkSettings;
  /** Identifies the SQL and schemas for which the engine was chosen. */
  readonly pair?: string;
  /** After Spark, the embedded engine recomputes the step, for a comparison. */
  readonly shadow?: true;
  /** Why the engine that the pipeline asks for cannot compute the step. */
  readonly refused?: string;
}

/** The complete plan of a run, made before anything is submitted. */
export interface Plan {
  readonly verdicts: readonly Verdict[];
  readonly quality: number;
  readonly choice: Choice;
  readonly steps: Readonly<Record<string, PlannedStep>>;
  /** The resources of the cluster at that time. */
  readonly cluster: Cluster;
  /** The resources of the controller's machine, when a step may run on the embedded engine. */
  readonly machine?: Cluster;
  /** `go`, or why nothing is submitted: no work (`skip`), or a failed check (`fail`). */
  readonly verdict: 'go' | 'skip' | 'fail';
  readonly reason: string;
}
