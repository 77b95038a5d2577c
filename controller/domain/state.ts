import type { ErrorKind } from '../lib/errors.ts';
import type { Cause, Figure, Given, Recorded, Retried, ReusedInputs, RunEnd } from './events.ts';
import { type LifeState, next, runTable } from './lifecycle.ts';
import type { Pipeline } from './pipeline.ts';
import type { Plan, Profiles } from './plan.ts';
import type { CheckedProfiles } from './profile.ts';
import { applyToStep, type StepState } from './step-state.ts';

/** The state of a run; only `fold` and `apply` change it. */
export interface RunState {
  run?: string;
  status?: LifeState;
  pipeline?: Pipeline;
  file?: string;
  again?: { readonly again: true; readonly since?: number };
  given?: Given;
  cause?: Cause;
  retries?: Retried;
  inputs?: ReusedInputs;
  /** Further firings that the run takes along. */
  triggered?: readonly Cause[];
  /** Whether its controller of now has begun to measure its sources. */
  isBeingMeasured?: true;
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
      if (event.retries) state.retries = event.retries;
      for (const name of Object.keys(event.pipeline.steps)) state.steps[name] = { name, attempts: [] };
      return;
    case 'taken-over':
      // A controller may have had many runs that waited for their turn.
      if (state.isBeingMeasured && !state.profiles && !state.waiting) state.lostWhileMeasuring += 1;
      delete state.isBeingMeasured;
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
      state.isBeingMeasured = true;
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
      if (event.inputs) state.inputs = event.inputs;
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
      applyToStep(state.steps[event.step], at, event);
  }
}

const errorKindOf = (exitCode: number | undefined): ErrorKind | undefined =>
  exitCode === 2 ? 'rejected' : exitCode === 3 ? 'unavailable' : undefined;

/** Drops measures and plan; steps restart, with continued attempt numbers. */
function forgetInputs(state: RunState): void {
  state.inputsLost += 1;
  state.lostWhileMeasuring = 0;
  for (const field of ['profiles', 'findings', 'past', 'measuredAt', 'plan', 'inputs'] as const) delete state[field];
  for (const step of Object.values(state.steps)) {
    for (const field of ['ended', 'fallback', 'retryAt', 'reused'] as const) delete step[field];
    step.voidedAttempts = step.attempts.length;
  }
}
