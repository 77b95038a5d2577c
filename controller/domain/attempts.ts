import type { AttemptState, StepState } from './step-state.ts';

/** The attempt that may still be alive. */
export const liveAttempt = (step: StepState): AttemptState | undefined => step.attempts.find((each) => !each.ended);

/** The attempts of a step that read the current inputs. */
export const validAttempts = (step: StepState): readonly AttemptState[] =>
  step.attempts.slice(step.voidedAttempts ?? 0);
