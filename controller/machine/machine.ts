import type { RunEnd, StepEnd } from '../domain/events.ts';
import { budgetOf } from '../domain/failure.ts';
import type { Pipeline, Step } from '../domain/pipeline.ts';
import type { SparkSettings, Values } from '../domain/plan.ts';
import type { RunState } from '../domain/state.ts';
import { type AttemptState, liveAttempt, type StepState, validAttempts } from '../domain/step-state.ts';
import { formatDuration, milliseconds } from '../lib/duration.ts';
import type { ErrorKind } from '../lib/errors.ts';
import { holds, operands } from '../pipeline/conditions.ts';
import { longestGatewayTimeoutMs, retryOf, retryOn, timeoutOf } from '../pipeline/policies.ts';
import { moreMemory } from '../planning/sizing.ts';
import { conditionValues } from '../planning/values.ts';
import { fractionOf, retryDelay } from './retry.ts';
import { cancelActions, giveUpActions, giveUpReason, successAction } from './stopping.ts';

interface OfAttempt {
  readonly step: string;
  readonly attempt: number;
}

/** The next work of the engine. The engine performs each action, stores its events, and asks the machine again. */
export type Action =
  | { readonly do: 'measure' }
  | { readonly do: 'plan' }
  | ({ readonly do: 'start' | 'submit' | 'follow' | 'call' | 'publish' | 'shadow' } & OfAttempt)
  | ({ readonly do: 'cancel'; readonly why: 'cancelled' | 'timed-out' } & OfAttempt)
  | ({ readonly do: 'give-up'; readonly reason: string } & OfAttempt)
  | ({
      readonly do: 'retry';
      readonly at: number;
      readonly reason: string;
      readonly remedy?: string;
      readonly settings?: SparkSettings;
    } & OfAttempt)
  | { readonly do: 'measure-again'; readonly reason: string }
  | { readonly do: 'fall-back'; readonly step: string; readonly to: string; readonly reason: string }
  | { readonly do: 'end-step'; readonly step: string; readonly state: StepEnd; readonly reason: string }
  | { readonly do: 'report' }
  | { readonly do: 'end'; readonly state: RunEnd; readonly reason: string; readonly errorKind?: ErrorKind }
  | { readonly do: 'wait'; readonly until: number };

/** How often a run may measure its sources again after it lost its pinned rows. */
const maximumRemeasurements = 5;

/** The next actions, from the state and the time alone. Empty when the run has ended. */
export function nextActions(state: RunState, now: number): Action[] {
  const { pipeline, plan } = state;
  if (state.ended || !pipeline) return [];
  const giveUp = giveUpReason(state);
  if (giveUp !== undefined) return giveUpActions(state, giveUp);
  if (state.cancelRequested !== undefined) return cancelActions(state);
  if (!state.profiles) return measureActions(state, pipeline, now);
  if (!plan) return [{ do: 'plan' }];
  if (plan.verdict !== 'go')
    return [{ do: 'end', state: plan.verdict === 'skip' ? 'skipped' : 'failed', reason: plan.reason }];

  const actions = Object.values(state.steps).flatMap((step) =>
    step.ended ? shadowActions(step, state) : stepActions(step, state, pipeline, now),
  );
  const remeasure = actions.find((action) => action.do === 'measure-again');
  if (remeasure)
    return isIdle(state) ? [remeasure] : actions.filter((action) => !isStart(action) && action !== remeasure);
  return actions.length > 0 ? withinLimit(actions, state, pipeline) : endActions(state, pipeline);
}

const isStart = (action: Action): boolean => action.do === 'start';
const isIdle = (state: RunState): boolean => Object.values(state.steps).every((step) => !liveAttempt(step));

/** Limits the active steps to `parallelism`; the others start when these have ended. */
function withinLimit(actions: Action[], state: RunState, { parallelism }: Pipeline): Action[] {
  let free = parallelism - Object.values(state.steps).filter(liveAttempt).length;
  return actions.filter((action) => !isStart(action) || free-- > 0);
}

/** Unavailable sources are retried up to the longest gateway timeout of the pipeline. */
function measureActions({ waiting }: RunState, pipeline: Pipeline, now: number): Action[] {
  if (!waiting || now - waiting.since <= longestGatewayTimeoutMs(pipeline)) return [{ do: 'measure' }];
  const reason = `profiling failed for ${formatDuration(now - waiting.since)}: ${waiting.what}`;
  return [{ do: 'end', state: 'failed', reason, errorKind: 'unavailable' }];
}

function stepActions(step: StepState, state: RunState, pipeline: Pipeline, now: number): Action[] {
  const definition = pipeline.steps[step.name] as Step;
  const last = validAttempts(step).at(-1);
  if (!last) return startActions(step, definition, state);

  const at = { step: step.name, attempt: last.number };
  if (!last.ended) {
    const gatewayTimeoutMs = milliseconds(retryOf(definition).patience);
    if (last.waitingSince !== undefined && now - last.waitingSince > gatewayTimeoutMs)
      return [
        { do: 'give-up', ...at, reason: `the gateway was unreachable for ${formatDuration(now - last.waitingSince)}` },
      ];
    if (now - last.startedAt > timeoutOf(definition)) return [{ do: 'cancel', ...at, why: 'timed-out' }];
    if (!definition.spark) return [{ do: 'call', ...at }];
    return [{ do: last.submission ? 'follow' : 'submit', ...at }];
  }
  const done = successAction(step, state);
  if (done) return [done];
  return failureActions(step, definition, last, state, now);
}

/** A step that Spark has computed, and that the embedded engine recomputes. */
function shadowActions(step: StepState, { plan }: RunState): Action[] {
  const last = step.attempts.at(-1);
  const isPublished = step.ended?.state === 'succeeded' && step.outputs && last?.settings?.engine === undefined;
  if (!isPublished || !last || step.shadow || !plan?.steps[step.name]?.shadow) return [];
  return [{ do: 'shadow', step: step.name, attempt: last.number }];
}

/** A step without attempts: wait for its upstream steps, skip it, or start it. */
function startActions(step: StepState, definition: Step, state: RunState): Action[] {
  const name = step.name;
  const planned = state.plan?.steps[name];
  const start: Action[] = [{ do: 'start', step: name, attempt: step.attempts.length + 1 }];
  const skip = (reason: string): Action[] => [{ do: 'end-step', step: name, state: 'skipped', reason }];
  if (planned?.role === 'skip') return skip(planned.reason);
  if (planned?.role === 'fallback') {
    if (Object.values(state.steps).some((other) => other.fallback === name)) return start;
    const settled = Object.values(state.steps).every(
      (other) => other.ended || state.plan?.steps[other.name]?.role === 'fallback',
    );
    return settled ? skip('the fallback was not needed') : [];
  }
  const needs = (definition.needs ?? []).map((need) => state.steps[need]);
  if (needs.some((need) => !need?.ended)) return [];
  const bad = needs.find((need) => need?.ended?.state === 'failed' || need?.ended?.state === 'cancelled');
  if (bad) return skip(`upstream step ${bad.name} ${bad.ended?.state}`);
  if (needs.length > 0 && needs.every((need) => need?.ended?.state === 'skipped'))
    return skip('all upstream steps were skipped');
  if (planned?.role !== 'later' || definition.if === undefined) return start;
  const values = runValues(state);
  try {
    if (holds(definition.if, values)) return start;
    return skip(`${operands(definition.if, values).join(', ')}, and ${name} requires ${definition.if}`);
  } catch (error) {
    return [{ do: 'end-step', step: name, state: 'failed', reason: (error as Error).message }];
  }
}

/** The values for conditions and requests of a step: measures, branch, and the ends of earlier steps. */
export function runValues({ run, cause, profiles, measuredAt, plan, pipeline, steps }: RunState): Values {
  const ends = Object.values(steps).map((step) => {
    const { answer } = step.attempts.at(-1) ?? step.reused ?? {};
    const rows = Object.fromEntries((step.outputs ?? []).map((output) => [output.view, output.rows]));
    return [step.name, { state: step.ended?.state ?? 'pending', rows, ...answer }];
  });
  return {
    ...conditionValues(profiles ?? {}, measuredAt ?? 0, cause),
    branch: plan?.choice.branch ?? '',
    run: { name: run ?? '', pipeline: pipeline?.name ?? '' },
    steps: Object.fromEntries(ends),
  };
}

function failureActions(step: StepState, definition: Step, last: AttemptState, state: RunState, now: number): Action[] {
  const { kind, message } = last.failure ?? { kind: 'unknown' as const, message: 'unknown reason' };
  const next = last.number + 1;
  if (step.retryAt !== undefined) {
    return now >= step.retryAt
      ? [{ do: 'start', step: step.name, attempt: next }]
      : [{ do: 'wait', until: step.retryAt }];
  }
  const retry = nextRetry(step, definition, last, state);
  if (retry) return [{ ...retry, step: step.name, attempt: next, reason: `${kind}: ${message}` }];
  if (kind === 'inputs-lost' && state.inputsLost < maximumRemeasurements) {
    const others = Object.values(state.steps);
    // A publication in progress may be visible already. Only its end shows whether all steps can restart.
    if (others.some((other) => !other.ended && successAction(other, state)?.do === 'publish')) return [];
    if (!others.some((other) => other.outputs)) return [{ do: 'measure-again', reason: message }];
  }

  const tries = `after ${last.number} ${last.number === 1 ? 'attempt' : 'attempts'}`;
  const reason = `${kind} ${tries}: ${message}`;
  const fallback = step.fallback === undefined ? undefined : state.steps[step.fallback];
  if (fallback?.ended) {
    const good = fallback.ended.state === 'succeeded' || fallback.ended.state === 'degraded';
    const end = good
      ? `completed by fallback ${fallback.name}; ${reason}`
      : `${reason}; fallback ${fallback.name} failed too`;
    return [{ do: 'end-step', step: step.name, state: good ? 'degraded' : 'failed', reason: end }];
  }
  if (fallback) return [];
  if (definition.fallback !== undefined) return [{ do: 'fall-back', step: step.name, to: definition.fallback, reason }];
  return [{ do: 'end-step', step: step.name, state: 'failed', reason }];
}

/** The next retry, by the kind of failure; undefined when its budget or its mitigations are exhausted. */
function nextRetry(
  step: StepState,
  definition: Step,
  last: AttemptState,
  { plan }: RunState,
): { do: 'retry'; at: number; remedy?: string; settings?: SparkSettings } | undefined {
  const { kind, side, notBefore } = last.failure ?? { kind: 'unknown' as const };
  const attempts = validAttempts(step);
  const policy = retryOn(retryOf(definition), kind);
  const onSpark = plan?.steps[step.name]?.onSpark;
  // Whatever the embedded engine cannot do, Spark may; the end of a run or of its inputs is final for both.
  if (onSpark && last.settings?.engine === 'embedded' && !['cancelled', 'inputs-lost', 'timed-out'].includes(kind))
    return { do: 'retry', at: last.ended?.at ?? 0, settings: onSpark, remedy: 'on Spark' };
  const alike = attempts.filter((attempt) => attempt.failure?.kind === kind).length;
  if (attempts.length >= Math.max(policy.maximumAttempts, policy.budget ?? 0)) return undefined;
  if (alike >= budgetOf(kind, policy.budget, policy.maximumAttempts)) return undefined;
  const delay = retryDelay(policy, alike + 1, fractionOf(last.key));
  // A service can ask for a later retry, up to the gateway timeout of the step.
  const from = last.ended?.at ?? last.startedAt;
  const at = Math.max(from + delay, Math.min(notBefore ?? 0, from + milliseconds(policy.patience)));
  if (kind !== 'out-of-memory' || !last.settings || !plan) {
    return { do: 'retry', at, ...(last.settings ? { settings: last.settings } : {}) };
  }
  const more =
    last.settings.engine === 'embedded'
      ? moreMemory(last.settings, 'driver', plan.machine ?? plan.cluster)
      : moreMemory(last.settings, side ?? 'executor', plan.cluster);
  return more && { do: 'retry', at, ...more };
}

function endActions(state: RunState, pipeline: Pipeline): Action[] {
  const steps = Object.values(state.steps);
  const published = steps.some((step) => step.outputs);
  if (published && pipeline.report && !state.report) return [{ do: 'report' }];
  // A step that a fallback has replaced does not fail the run.
  const replacedSteps = new Set(steps.filter((s) => s.ended?.state === 'degraded').map((s) => s.fallback));
  const failed = steps.find((step) => step.ended?.state === 'failed' && !replacedSteps.has(step.name));
  if (failed) return [{ do: 'end', state: 'failed', reason: `step ${failed.name}: ${failed.ended?.reason}` }];
  const degraded = steps.find((step) => step.ended?.state === 'degraded');
  if (degraded) return [{ do: 'end', state: 'degraded', reason: `step ${degraded.name}: ${degraded.ended?.reason}` }];
  const ran = steps.some((step) => step.ended?.state === 'succeeded');
  return [{ do: 'end', state: ran ? 'succeeded' : 'skipped', reason: state.plan?.reason ?? '' }];
}
