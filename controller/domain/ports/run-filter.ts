import type { LifeState } from '../lifecycle.ts';

/** Runs of a state that started within a stretch of time. */
export interface Starts {
  /** The begin of the stretch. Milliseconds since 1970. */
  readonly from: number;
  readonly state: string;
  readonly runs: number;
}

/** Which runs to list. What is left out does not restrict. */
export interface RunFilter {
  readonly pipeline?: string;
  /** Names of pipelines in which `*` stands for any text. */
  readonly pipelines?: readonly string[];
  /** One of these states. */
  readonly states?: readonly LifeState[];
  /** The trigger that started them. */
  readonly trigger?: string;
  readonly branch?: string;
  /** How the name of the run or of its pipeline begins. */
  readonly prefix?: string;
  /** Only runs with a smaller number. */
  readonly before?: number;
  /** The earliest start, and the first that is too late. Milliseconds since 1970. */
  readonly since?: number;
  readonly until?: number;
  readonly limit: number;
}
