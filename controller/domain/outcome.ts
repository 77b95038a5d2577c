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

/** What the attempts of a run took, each times its cores; those that had not ended by then, up to `until`. */
export const coreSecondsOf = ({ steps }: RunState, until: number): number =>
  Math.round(
    Object.values(steps)
      .flatMap(({ attempts }) => attempts)
      .reduce((sum, { settings, startedAt, ended }) => {
        if (!settings) return sum;
        const cores = settings.engine === 'embedded' ? 1 : settings.executors;
        return sum + (Math.max(0, (ended?.at ?? until) - startedAt) / 1000) * cores * settings.executorCores;
      }, 0),
  );

/** The published outputs of all steps. */
export const outputsOf = (state: RunState): PublishedOutput[] =>
  Object.values(state.steps).flatMap((step) => step.outputs ?? []);
