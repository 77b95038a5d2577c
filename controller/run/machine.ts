import { milliseconds, spoken } from '../pipeline/duration.ts';
import { defaultRetry, type Pipeline, type Step } from '../pipeline/schema.ts';
import type { RunEnd, StepEnd } from './events.ts';
import { worthRetrying } from './failure.ts';
import { fractionOf, retryDelay } from './retry.ts';
import { liveAttempt, type RunState, type StepState } from './state.ts';

/** What the engine is to do next. Each is done, noted as events, and the machine is asked again. */
export type Action =
  | { readonly do: 'measure' }
  | { readonly do: 'plan' }
  | { readonly do: 'start'; readonly step: string; readonly attempt: number }
  | { readonly do: 'submit'; readonly step: string; readonly attempt: number }
  | { readonly do: 'follow'; readonly step: string; readonly attempt: number }
  | { readonly do: 'cancel'; readonly step: string; readonly attempt: number; readonly why: 'cancelled' | 'timed-out' }
  | { readonly do: 'give-up'; readonly step: string; readonly attempt: number; readonly reason: string }
  | {
      readonly do: 'retry';
      readonly step: string;
      readonly attempt: number;
      readonly at: number;
      readonly reason: string;
    }
  | { readonly do: 'publish'; readonly step: string; readonly attempt: number }
  | { readonly do: 'fall-back'; readonly step: string; readonly to: string; readonly reason: string }
  | { readonly do: 'end-step'; readonly step: string; readonly state: StepEnd; readonly reason: string }
  | { readonly do: 'report' }
  | { readonly do: 'end'; readonly state: RunEnd; readonly reason: string }
  | { readonly do: 'wait'; readonly until: number };

/** How long a gateway may stay away before the attempt counts as failed; Spark may be going on behind it all the while. */
export const gatewayPatience = milliseconds('10m');

/** What to do next, from the state and the time alone. An empty list says that the run has ended. */
export function decide(state: RunState, now: number): Action[] {
  const { pipeline, plan } = state;
  if (state.ended || !pipeline) return [];
  if (state.cancelRequested !== undefined) return cancelling(state);
  if (!state.profiles) return [{ do: 'measure' }];
  if (!plan) return [{ do: 'plan' }];
  if (plan.verdict !== 'go')
    return [{ do: 'end', state: plan.verdict === 'skip' ? 'skipped' : 'failed', reason: plan.reason }];

  const actions = Object.values(state.steps).flatMap((step) => (step.ended ? [] : nextOf(step, state, pipeline, now)));
  if (actions.length > 0) return actions;
  return ending(state, pipeline);
}

function cancelling(state: RunState): Action[] {
  const live = Object.values(state.steps).flatMap((step) => {
    const attempt = liveAttempt(step);
    return attempt ? [{ step: step.name, attempt: attempt.number }] : [];
  });
  if (live.length > 0) return live.map((each) => ({ do: 'cancel', ...each, why: 'cancelled' }));
  const open = Object.values(state.steps).filter((step) => !step.ended);
  const reason = `cancelled by ${state.cancelRequested}`;
  if (open.length > 0) return open.map((step) => ({ do: 'end-step', step: step.name, state: 'cancelled', reason }));
  return [{ do: 'end', state: 'cancelled', reason }];
}

function nextOf(step: StepState, state: RunState, pipeline: Pipeline, now: number): Action[] {
  const definition = pipeline.steps[step.name] as Step;
  const last = step.attempts.at(-1);
  if (!last) return beginning(step, definition, state);

  const at = { step: step.name, attempt: last.number };
  if (!last.ended) {
    if (last.waitingSince !== undefined && now - last.waitingSince > gatewayPatience) {
      return [{ do: 'give-up', ...at, reason: `the gateway has not answered for ${spoken(now - last.waitingSince)}` }];
    }
    if (now - last.startedAt > milliseconds(definition.timeout)) return [{ do: 'cancel', ...at, why: 'timed-out' }];
    return [last.submission ? { do: 'follow', ...at } : { do: 'submit', ...at }];
  }
  if (last.ended.state === 'succeeded') {
    if (!step.outputs) return [{ do: 'publish', ...at }];
    const tries = last.number === 1 ? '' : `, at attempt ${last.number}`;
    return [
      {
        do: 'end-step',
        step: step.name,
        state: 'succeeded',
        reason: `done in ${spoken(last.ended.at - last.startedAt)}${tries}`,
      },
    ];
  }
  return afterFailure(step, definition, state, now);
}

/** A step without attempts: wait for its needs, skip it, or start it. */
function beginning(step: StepState, definition: Step, state: RunState): Action[] {
  const name = step.name;
  const planned = state.plan?.steps[name];
  const skip = (reason: string): Action[] => [{ do: 'end-step', step: name, state: 'skipped', reason }];
  if (planned?.role === 'skip') return skip(planned.reason);
  if (planned?.role === 'fallback') {
    const asked = Object.values(state.steps).some((other) => other.standIn === name);
    if (asked) return [{ do: 'start', step: name, attempt: 1 }];
    const settled = Object.values(state.steps).every(
      (other) => other.ended || state.plan?.steps[other.name]?.role === 'fallback',
    );
    return settled ? skip('its stand-in was not needed') : [];
  }
  const needs = (definition.needs ?? []).map((need) => state.steps[need]);
  if (needs.some((need) => !need?.ended)) return [];
  const bad = needs.find((need) => need?.ended?.state === 'failed' || need?.ended?.state === 'cancelled');
  if (bad) return skip(`it needs ${bad.name}, which ${bad.ended?.state}`);
  if (needs.length > 0 && needs.every((need) => need?.ended?.state === 'skipped')) {
    return skip('all the steps it needs were skipped');
  }
  return [{ do: 'start', step: name, attempt: 1 }];
}

function afterFailure(step: StepState, definition: Step, state: RunState, now: number): Action[] {
  const last = step.attempts.at(-1) as StepState['attempts'][number];
  const policy = definition.retry ?? defaultRetry;
  const next = last.number + 1;
  const kind = last.failure?.kind ?? 'unknown';
  if (step.retryAt !== undefined) {
    return now >= step.retryAt
      ? [{ do: 'start', step: step.name, attempt: next }]
      : [{ do: 'wait', until: step.retryAt }];
  }
  if (worthRetrying(kind) && next <= policy.maximumAttempts) {
    const at = (last.ended?.at ?? now) + retryDelay(policy, next, fractionOf(last.key));
    const reason = `${kind}: ${last.failure?.message ?? 'no reason known'}`;
    return [{ do: 'retry', step: step.name, attempt: next, at, reason }];
  }
  const tries = `after ${last.number} ${last.number === 1 ? 'attempt' : 'attempts'}`;
  const reason = `${kind} ${tries}: ${last.failure?.message ?? 'no reason known'}`;
  const standIn = step.standIn === undefined ? undefined : state.steps[step.standIn];
  if (standIn?.ended) {
    const good = standIn.ended.state === 'succeeded' || standIn.ended.state === 'degraded';
    const end = good ? `${standIn.name} stood in for it; ${reason}` : `${reason}; and ${standIn.name} failed too`;
    return [{ do: 'end-step', step: step.name, state: good ? 'degraded' : 'failed', reason: end }];
  }
  if (standIn) return [];
  if (definition.fallback !== undefined) return [{ do: 'fall-back', step: step.name, to: definition.fallback, reason }];
  return [{ do: 'end-step', step: step.name, state: 'failed', reason }];
}

function ending(state: RunState, pipeline: Pipeline): Action[] {
  const steps = Object.values(state.steps);
  const published = steps.some((step) => step.outputs);
  if (published && pipeline.report && !state.report) return [{ do: 'report' }];
  // A step that another stood in for is not what the run died of.
  const stoodFor = new Set(steps.filter((s) => s.ended?.state === 'degraded').map((s) => s.standIn));
  const failed = steps.find((step) => step.ended?.state === 'failed' && !stoodFor.has(step.name));
  if (failed) return [{ do: 'end', state: 'failed', reason: `step ${failed.name}: ${failed.ended?.reason}` }];
  const degraded = steps.find((step) => step.ended?.state === 'degraded');
  if (degraded) return [{ do: 'end', state: 'degraded', reason: `step ${degraded.name}: ${degraded.ended?.reason}` }];
  const ran = steps.some((step) => step.ended?.state === 'succeeded');
  return [{ do: 'end', state: ran ? 'succeeded' : 'skipped', reason: state.plan?.reason ?? '' }];
}
