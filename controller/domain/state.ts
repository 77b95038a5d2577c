import type { ErrorKind } from '../lib/errors.ts';
import type {
  Answer,
  Cause,
  Figure,
  Given,
  PublishedOutput,
  Recorded,
  RunEnd,
  ShadowCompared,
  StepEnd,
  Submission,
} from './events.ts';
import type { Failure } from './failure.ts';
import { attemptTable, type LifeState, next, runTable } from './lifecycle.ts';
import type { Pipeline } from './pipeline.ts';
import type { Plan, Profiles, SparkSettings } from './plan.ts';
import type { CheckedProfiles } from './profile.ts';
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
  ended?: { readonly state: StepEnd; readonly reason: string; readonly at: number };
}

/** The state of a run; only `fold` and `apply` change it. */
export interface RunState {
  run?: string;
  status?: LifeState;
  pipeline?: Pipeline;
  file?: string;
  again?: { readonly again: true; readonly since?: number };
  given?: Given;
  cause?: Cause;
  /** Further firings that the run takes along. */
  triggered?: readonly Cause[];
  /** Whether it has begun to measure its sources. */
  measuring?: true;
  startedAt?: number;
  /** Earlier runs of this pipeline that had to end first. */
  queuedBehind?: readonly string[];
  /** How often the sources had to be measured again. */
  inputsLost: number;
  /** The number of controller failures in this run, and the last one. */
  failures: number;
  lastFailure?: string;
  /** The number of controllers that were lost while they measured the sources. */
  lostWhileMeasuring: number;
  /** The time since which a source has been unavailable, and its first error. */
  waiting?: { readonly since: number; readonly what: string };
  profiles?: Profiles;
  findings?: CheckedProfiles['findings'];
  past?: CheckedProfiles['past'];
  measuredAt?: number;
  plan?: Plan;
  readonly steps: Record<string, StepState>;
  cancelRequested?: string;
  report?: {
    readonly file?: string;
    readonly url?: string;
    readonly figures?: readonly Figure[];
    readonly problem?: string;
  };
  ended?: { readonly state: RunEnd; readonly reason: string; readonly at: number; readonly errorKind?: ErrorKind };
}

/** The state after a history; the same history always gives the same state. */
export function fold(history: readonly Recorded[]): RunState {
  const state = emptyState();
  for (const record of history) apply(state, record);
  return state;
}

export const emptyState = (): RunState => ({ steps: {}, inputsLost: 0, failures: 0, lostWhileMeasuring: 0 });

/** Applies one event to a state. */
export function apply(state: RunState, { at, event }: Recorded): void {
  const status = next(runTable, state.status, event);
  if (status !== undefined) state.status = status;
  switch (event.type) {
    case 'run-started':
      state.run = event.run;
      state.pipeline = event.pipeline;
      state.file = event.file;
      state.startedAt = at;
      Object.assign(state, event.again && { again: event.again }, event.given && { given: event.given });
      if (event.cause) state.cause = event.cause;
      for (const name of Object.keys(event.pipeline.steps)) state.steps[name] = { name, attempts: [] };
      return;
    case 'taken-over':
      if (!state.profiles && !state.queuedBehind && !state.waiting) state.lostWhileMeasuring += 1;
      return;
    case 'controller-failed':
      state.failures += 1;
      state.lastFailure = event.reason;
      return;
    case 'store-returned':
      return;
    case 'queued':
      state.queuedBehind = event.behind;
      return;
    case 'triggered':
      state.triggered = [...(state.triggered ?? []), event.cause];
      return;
    case 'measuring':
      state.measuring = true;
      return;
    case 'queue-left':
      delete state.queuedBehind;
      return;
    case 'sources-waiting':
      state.waiting = { since: at, what: event.what };
      return;
    case 'sources-reached':
      delete state.waiting;
      return;
    case 'inputs-lost':
      forgetInputs(state);
      return;
    case 'sources-measured':
      Object.assign(state, { profiles: event.profiles, findings: event.findings, measuredAt: at });
      if (event.past) state.past = event.past;
      return;
    case 'planned':
      state.plan = event.plan;
      return;
    case 'report-written':
      state.report = { file: event.file, url: event.url, figures: event.figures };
      return;
    case 'report-failed':
      state.report = { problem: event.reason };
      return;
    case 'cancel-requested':
      state.cancelRequested ??= event.by;
      return;
    case 'run-ended': {
      const { state: end, reason, exitCode, errorKind = errorKindOf(exitCode) } = event;
      state.ended = { state: end, reason, at, ...(errorKind && { errorKind }) };
      return;
    }
    default:
      applyToStep(state, at, event);
  }
}

const errorKindOf = (exitCode: number | undefined): ErrorKind | undefined =>
  exitCode === 2 ? 'rejected' : exitCode === 3 ? 'unavailable' : undefined;

/** Drops measures and plan; steps restart, with continued attempt numbers. */
function forgetInputs(state: RunState): void {
  state.inputsLost += 1;
  state.lostWhileMeasuring = 0;
  for (const field of ['profiles', 'findings', 'past', 'measuredAt', 'plan'] as const) delete state[field];
  for (const step of Object.values(state.steps)) {
    for (const field of ['ended', 'fallback', 'retryAt'] as const) delete step[field];
    step.voidedAttempts = step.attempts.length;
  }
}

function applyToStep(state: RunState, at: number, event: Extract<Recorded['event'], { step: string }>): void {
  const step = state.steps[event.step];
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
