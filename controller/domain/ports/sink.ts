import type { PublishedOutput } from '../events.ts';

/** One view of a step in the staging place of its attempt. */
export interface StagedView {
  readonly view: string;
  /** A folder, or `schema.table`. */
  readonly place: string;
  readonly rows: number;
  /** The column whose values must be unique. */
  readonly unique?: string;
}

/** The staged output of one attempt for one sink. */
export interface Staged {
  readonly kind: string;
  /** The sink: an absolute folder, or `connection/schema`. */
  readonly target: string;
  /** The attempt's key; names its staging place. */
  readonly key: string;
  /** Whether columns may be removed or change their type. */
  readonly mayChange?: true;
  readonly views: readonly StagedView[];
}

/**
 * Makes staged output visible, all views of a sink at once or none. Publishing the same key again changes nothing. A
 * run with a lower number than the published one is refused.
 */
export interface Publisher {
  /** Prepares the parent of the staging place. Throws `rejected` when it is not writable. */
  prepare(staged: Staged): Promise<void>;
  /**
   * Compares staged output with the runner's row counts, the published schema, and `unique`. Throws `rejected` for
   * output that must not be published. Published output passes.
   */
  audit(staged: Staged): Promise<void>;
  publish(staged: Staged, runNumber: number): Promise<readonly PublishedOutput[]>;
  /** Removes the staged output of an attempt. */
  discard(staged: Staged): Promise<void>;
}
