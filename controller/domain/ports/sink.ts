import type { PublishedOutput } from '../events.ts';

/** One view of a step, written to a place that only its attempt knows. */
export interface StagedView {
  readonly view: string;
  /** A folder, or `schema.table`. */
  readonly place: string;
  readonly rows: number;
  /** A column whose values are there once each. */
  readonly unique?: string;
}

/** What one attempt has staged for one sink. */
export interface Staged {
  readonly kind: string;
  /** The sink: an absolute folder, or `connection/schema`. */
  readonly target: string;
  /** The attempt's key; names its staging place. */
  readonly key: string;
  /** Whether columns may go or change their type. */
  readonly mayChange?: true;
  readonly views: readonly StagedView[];
}

/**
 * Makes staged output visible, all views of a sink at once or none. Publishing the same key again changes nothing, and
 * a run with a lower number than the published one is refused.
 */
export interface Publisher {
  /** Makes ready what the staging place lies in; throws `rejected` when it cannot be written. */
  prepare(staged: Staged): Promise<void>;
  /**
   * Compares what is staged with what the runner says it wrote, what is published, and what is to be unique; throws `rejected`
   * for what must not be published. What is published already passes.
   */
  audit(staged: Staged): Promise<void>;
  publish(staged: Staged, runNumber: number): Promise<readonly PublishedOutput[]>;
  /** Removes what an attempt left in its staging place. */
  discard(staged: Staged): Promise<void>;
}
