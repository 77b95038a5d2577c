import type { RunState } from '../domain/state.ts';
import { liveAttempt, type StepState, validAttempts } from '../domain/step-state.ts';
import { formatDuration } from '../lib/duration.ts';
import type { Action } from './machine.ts';

/** The most failures of controllers in a run: such errors repeat on every controller. */
const maximumFailures = 3;
/** The most controllers that may be lost while they measure the sources of a run: the measurement may kill them. */
const maximumLosses = 5;

/** Why a run is given up after repeated failures of controllers; undefined otherwise. */
export function giveUpReason({ failures, lastFailure, profiles, lostWhileMeasuring }: RunState): string | undefined {
  if (failures >= maximumFailures) return `an unexpected error, ${failures} times: ${lastFailure}`;
  if (profiles || lostWhileMeasuring < maximumLosses) return undefined;
  return `${lostWhileMeasuring} controllers died while measuring the sources`;
}

/** Ends the live attempts, then the run; ends the run at once when that fails as well. */
export function giveUpActions(state: RunState, reason: string): Action[] {
  const end = state.cancelRequested === undefined ? 'failed' : 'cancelled';
  const open = state.failures < 2 * maximumFailures ? openSteps(state) : [];
  if (open.length === 0) return [{ do: 'end', state: end, reason }];
  return cancelAttempts(open) ?? open.map((step) => ({ do: 'end-step', step: step.name, state: 'cancelled', reason }));
}

export function cancelActions(state: RunState): Action[] {
  const open = openSteps(state);
  const reason = `cancelled by ${state.cancelRequested}`;
  if (open.length === 0) return [{ do: 'end', state: 'cancelled', reason }];
  const end = (step: StepState): Action =>
    successAction(step, state) ?? { do: 'end-step', step: step.name, state: 'cancelled', reason };
  return cancelAttempts(open) ?? open.map(end);
}

const openSteps = ({ steps }: RunState): StepState[] => Object.values(steps).filter((step) => !step.ended);

/** Ends the attempts that may be alive; undefined when there are none. */
function cancelAttempts(open: readonly StepState[]): Action[] | undefined {
  const live = open.flatMap((step) => {
    const attempt = liveAttempt(step);
    return attempt ? [{ step: step.name, attempt: attempt.number }] : [];
  });
  return live.length === 0 ? undefined : live.map((each) => ({ do: 'cancel', ...each, why: 'cancelled' }));
}

/** A step whose attempt succeeded is published, also after a cancellation: its output may already be visible. */
export function successAction(step: StepState, { pipeline }: RunState): Action | undefined {
  const last = validAttempts(step).at(-1);
  if (last?.ended?.state !== 'succeeded') return undefined;
  const outputs = pipeline?.steps[step.name]?.outputs ?? [];
  if (outputs.length > 0 && !step.outputs) return { do: 'publish', step: step.name, attempt: last.number };
  const tries = validAttempts(step).length === 1 ? '' : `, at attempt ${last.number}`;
  const reason = `done in ${formatDuration(last.ended.at - last.startedAt)}${tries}`;
  return { do: 'end-step', step: step.name, state: 'succeeded', reason };
}
