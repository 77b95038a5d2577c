import type { Cause } from '../events.ts';
import type { Measures } from '../profile.ts';

/** The measures of an earlier run of a pipeline. */
export interface PastRun {
  readonly run: string;
  /** When its sources were measured. Milliseconds since 1970. */
  readonly at: number;
  readonly cause?: Cause;
  /** Whether it was a full refresh. */
  readonly isFullRefresh: boolean;
  /** From its start to its end, of a run that published. Milliseconds. */
  readonly ms?: number;
  /** By source. */
  readonly measures: Readonly<Record<string, Measures>>;
}

export interface PastIndex {
  /** The measures of the last planned runs of a pipeline, also of those that failed; the newest first. */
  lastMeasures(pipeline: string, limit: number): Promise<PastRun[]>;
}
