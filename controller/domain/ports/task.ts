import { SluiceError } from '../../lib/errors.ts';
import type { Answer } from '../events.ts';
import type { FailureKind } from '../failure-kinds.ts';
import type { Step } from '../pipeline.ts';
import type { Values } from '../plan.ts';

/** A step's call of something outside Spark. */
export interface Call {
  readonly step: Step;
  /** The same for every attempt of the step, so that the other side can tell a repetition. */
  readonly key: string;
  readonly values: Values;
  readonly signal: AbortSignal;
}

/**
 * Calls external services. Throws a SluiceError: `rejected` when the same call would fare no better, else another try is
 * worth it; Busy when the service says when.
 */
export interface Caller {
  call(call: Call): Promise<Answer>;
}

/** The other side has understood and refuses; `as` is what a step's failure is called then. */
export class Refused extends SluiceError {
  readonly as: FailureKind;

  constructor(as: FailureKind, { message, hint, cause }: SluiceError) {
    super(message, { kind: 'rejected', cause, ...(hint === undefined ? {} : { hint }) });
    this.as = as;
  }
}

/** A service that is there and has no time; `retryAfterMs` when it said how long to wait. */
export class Busy extends SluiceError {
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs: number | undefined) {
    super(message, { kind: 'unavailable' });
    this.retryAfterMs = retryAfterMs;
  }
}
