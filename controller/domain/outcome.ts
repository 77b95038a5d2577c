import type { SluiceError } from '../lib/errors.ts';
import type { Answer, PublishedOutput } from './events.ts';
import type { Failure } from './failure.ts';
import type { FailureKind } from './failure-kinds.ts';
import type { RunnerResult } from './result.ts';
import type { RunState } from './state.ts';

/** How an attempt ended. */
export interface AttemptOutcome {
  readonly state: 'succeeded' | 'failed' | 'cancelled';
  readonly failure?: Failure | undefined;
  readonly result?: RunnerResult | undefined;
  readonly answer?: Answer | undefined;
}

/** The outcome of an attempt that was refused before it started. */
export const rejectedOutcome = (kind: FailureKind, error: SluiceError): AttemptOutcome => ({
  state: 'failed',
  failure: { kind, message: error.message, lines: error.hint === undefined ? [] : [error.hint] },
});

/** The published outputs of all steps. */
export const outputsOf = (state: RunState): PublishedOutput[] =>
  Object.values(state.steps).flatMap((step) => step.outputs ?? []);
