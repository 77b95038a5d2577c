import type { Cause } from '../events.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Profiles } from '../plan.ts';
import type { Pin } from '../profile.ts';
import type { RunnerResult } from '../result.ts';
import type { AttemptState } from '../step-state.ts';
import type { BatchJob } from './backend.ts';
import type { Staged } from './sink.ts';

/** The files of an attempt: the runner's input, and what it leaves behind. */
export interface Workspace {
  /** Writes the job description; the batch it returns holds no secret. */
  prepare(
    pipeline: Pipeline,
    step: string,
    attempt: AttemptState,
    pins: Readonly<Record<string, Pin>>,
    cause: Cause | undefined,
  ): Promise<BatchJob>;
  /** The runner's result file, or undefined when there is none. */
  result(step: string, attempt: AttemptState): Promise<RunnerResult | undefined>;
  /** Calls back when the runner has written its result file; returns a function that stops watching. Best effort. */
  watchResult(step: string, attempt: AttemptState, onResult: () => void): () => void;
  /** The staged output of an attempt, one entry a sink, with the rows of its result. */
  staged(pipeline: Pipeline, step: string, attempt: AttemptState): Staged[];
  /**
   * Fences off an attempt for good: a runner that has not started never will, and a started one stops before it writes.
   * True when it had not started. Controller and runner try to create the same claim file; only one can.
   */
  revoke(step: string, attempt: AttemptState): Promise<boolean>;
  /**
   * Copies the snapshots of another run to this one. Returns its profiles with the copies; undefined when a file is gone.
   */
  adoptInputs(from: string, profiles: Profiles): Promise<Profiles | undefined>;
  /**
   * Removes the snapshots of the run, except files that later runs continue from, and `replaced`: files of earlier runs
   * that this one has merged.
   */
  removeInputs(except: readonly string[], replaced: readonly string[]): Promise<void>;
  /** Removes the whole run except these files of its inputs. */
  remove(except: readonly string[]): Promise<void>;
  /** Removes the secrets of an attempt. */
  removeSecrets(step: string, attempt: AttemptState): Promise<void>;
}
