import { SluiceError } from '../../lib/errors.ts';
import type { Answer } from '../events.ts';
import type { FailureKind } from '../failure-kinds.ts';
import type { Step } from '../pipeline.ts';
import type { Values } from '../plan.ts';

/** A request to run a step outside Spark. */
export interface TaskRequest {
  readonly step: Step;
  /** The same for every attempt of the step, so that the service can recognise a repetition. */
  readonly key: string;
  readonly values: Values;
  /** Where in a trace the attempt is, as the header of that name; left out for a run that belongs to none. */
  readonly traceparent?: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * Runs tasks. Throws a SluiceError: `rejected` when a repetition would fail too, RetryAfterError when the service sets
 * the time of a retry, another one when a retry makes sense.
 */
export interface TaskRunner {
  run(request: TaskRequest): Promise<Answer>;
}

/** The service rejects the request; `failureKind` is the failure of the step. */
export class TaskRejectedError extends SluiceError {
  readonly failureKind: FailureKind;

  constructor(failureKind: FailureKind, { message, hint, cause }: SluiceError) {
    super(message, { kind: 'rejected', cause, ...(hint === undefined ? {} : { hint }) });
    this.failureKind = failureKind;
  }
}

/** The service is overloaded; `retryAfterMs` is the pause that it requested. */
export class RetryAfterError extends SluiceError {
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs: number | undefined) {
    super(message, { kind: 'unavailable' });
    this.retryAfterMs = retryAfterMs;
  }
}
