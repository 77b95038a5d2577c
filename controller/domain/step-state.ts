import type { Answer, PublishedOutput, Recorded, ShadowCompared, StepEnd, Submission } from './events.ts';
import type { Failure } from './failure.ts';
import { attemptTable, type LifeState, next } from './lifecycle.ts';
import type { SparkSettings } from './plan.ts';
import type { RunnerResult } from './result.ts';

export interface AttemptState {
  readonly number: number;
  readonly key: string;
  /** Only for a Spark application. */
  readonly settings: SparkSettings | undefined;
  readonly startedAt: number;
  status: LifeState;
  submission?: Submission;
  applicationId?: string;
  ui?: string;
  /** The time since which the gateway has been unavailable. */
  waitingSince?: number;
  ended?: { readonly state: 'succeeded' | 'failed' | 'cancelled'; readonly at: number };
  failure?: Failure;
  result?: RunnerResult;
  answer?: Answer;
}

export interface StepState {
  readonly name: string;
  readonly attempts: AttemptState[];
  /** When the next attempt may start. */
  retryAt?: number;
  /** The settings of the next attempt, when they differ from the plan. */
  nextSettings?: SparkSettings;
  /** Why a step that is ready is held back. */
  heldReason?: string;
  /** The number of attempts whose inputs were lost; they no longer count. */
  voidedAttempts?: number;
  outputs?: readonly PublishedOutput[];
  /** The comparison with the embedded engine. */
  shadow?: ShadowCompared;
  fallback?: string;
  /** The run that computed the step, and its answer, when this run did not. */
  reused?: { readonly from: string; readonly reason: string; readonly answer?: Answer };
  ended?: { readonly state: StepEnd; readonly reason: string; readonly at: number };
}

/** The attempt that may still be alive. */
export const liveAttempt = (step: StepState): AttemptState | undefined => step.attempts.find((each) => !each.ended);

/** The attempts of a step that read the current inputs. */
export const validAttempts = (step: StepState): readonly AttemptState[] =>
  step.attempts.slice(step.voidedAttempts ?? 0);

/** Applies an event to its step, if the pipeline has that. */
export function applyToStep(
  step: StepState | undefined,
  at: number,
  event: Extract<Recorded['event'], { step: string }>,
): void {
  if (!step) return;
  if (event.type === 'attempt-intended') {
    delete step.retryAt;
    delete step.nextSettings;
    delete step.heldReason;
    step.attempts.push({
      number: event.attempt,
      key: event.key,
      settings: event.settings,
      startedAt: at,
      status: 'pending',
    });
    return;
  }
  if (event.type === 'step-held') {
    step.heldReason = event.reason;
    return;
  }
  if (event.type === 'fallback-chosen') {
    step.fallback = event.to;
    return;
  }
  if (event.type === 'step-reused') {
    const { state: end, from, reason, outputs, answer } = event;
    Object.assign(step, outputs && { outputs });
    step.reused = { from, reason, ...(answer && { answer }) };
    step.ended = { state: end, reason: `computed by run ${from}: ${reason}`, at };
    return;
  }
  if (event.type === 'step-ended') {
    step.ended = { state: event.state, reason: event.reason, at };
    return;
  }
  if (event.type === 'retry-scheduled') {
    step.retryAt = event.at;
    if (event.settings) step.nextSettings = event.settings;
    return;
  }
  if (event.type === 'outputs-published') step.outputs = event.outputs;
  if (event.type === 'shadow-compared') step.shadow = event;
  const attempt = step.attempts.find((each) => each.number === event.attempt);
  if (!attempt) return;
  attempt.status = next(attemptTable, attempt.status, event) ?? attempt.status;
  switch (event.type) {
    case 'attempt-submitted':
      attempt.submission = event.submission;
      return;
    case 'application-found':
      attempt.applicationId = event.applicationId;
      if (event.ui !== undefined) attempt.ui = event.ui;
      return;
    case 'attempt-waiting':
      attempt.waitingSince = at;
      return;
    case 'attempt-reached':
      delete attempt.waitingSince;
      return;
    case 'attempt-ended':
      delete attempt.waitingSince;
      attempt.ended = { state: event.state, at };
      if (event.failure) attempt.failure = event.failure;
      if (event.result) attempt.result = event.result;
      if (event.answer) attempt.answer = event.answer;
  }
}
