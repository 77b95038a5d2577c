import { createHash } from 'node:crypto';
import type { Cause, Retried } from '../../domain/events.ts';
import type { Pipeline } from '../../domain/pipeline.ts';
import type { RunStore, RunSummary } from '../../domain/ports/store.ts';
import type { Entered } from '../../domain/ports/triggers.ts';
import type { RunState } from '../../domain/state.ts';
import { laterThan } from '../../engine/reuse.ts';
import { SluiceError } from '../../lib/errors.ts';
import type { LoadedPipeline } from '../../pipeline/loader.ts';
import { reusable, stepProblem } from '../../planning/reuse.ts';
import { newRunName } from '../new-run.ts';
import { firstKey, nextKey } from './fire.ts';

/** A repeated request comes soon: so many runs of a pipeline are looked at. */
const looked = 10;

/** A run that a trigger has started. */
export interface Triggered {
  readonly cause: Cause & { readonly trigger: string; readonly key: string };
  readonly started: number;
}

export const isTriggered = (cause: Cause | undefined): cause is Triggered['cause'] =>
  cause?.trigger !== undefined && cause.key !== undefined;

interface Refusal {
  /** `state`: of the runs, as they are now. */
  readonly because: 'state' | 'request';
  readonly message: string;
  readonly hint: string;
}

/** How a run is to be repeated. */
export const retriedBy = (
  run: string,
  { fromStep, fresh }: { fromStep?: string | undefined; fresh?: 'true' | boolean | undefined },
): Retried => ({
  run,
  ...(fromStep !== undefined && { fromStep }),
  ...(fresh && { fresh: true }),
});

/** Why a run cannot be repeated, or not from that step; undefined when it can. */
export async function retryRefusal(
  store: Pick<RunStore, 'list'>,
  pipeline: Pipeline,
  { summary, state }: { readonly summary: RunSummary; readonly state: RunState },
  { run, fromStep, fresh }: Retried,
): Promise<Refusal | undefined> {
  const { ended, status = 'pending' } = state;
  if (!ended)
    return { because: 'state', message: `run ${run} has not ended: it is ${status}`, hint: `sluice cancel ${run}` };
  if (fromStep === undefined) return undefined;
  const problem = stepProblem(pipeline, fromStep);
  if (problem) return { because: 'request', ...problem };
  if (fresh)
    return {
      because: 'request',
      message: 'steps that are not computed again have read the rows of then',
      hint: 'leave out one of from-step and fresh',
    };
  const found = reusable(state, pipeline, await laterThan(store, summary), fromStep);
  if (typeof found === 'object') return undefined;
  const message = `a retry cannot begin from step ${fromStep}: ${found}`;
  return { because: 'state', message, hint: `repeat it from the beginning: sluice retry ${run}` };
}

/** How the key of a run ends that a request with an id has started for the reason of an earlier run. */
const endBy = (id: string): string => ` again-by-${createHash('sha256').update(id).digest('hex').slice(0, 16)}`;

/**
 * The run that the same request has started already, among the newest of a pipeline: then it is the reason why that
 * request would be refused now. `key` is that of a run without a trigger, `id` that of one with.
 */
export async function startedBy(
  store: Pick<RunStore, 'list' | 'history'>,
  pipeline: string,
  { request, key, id }: { readonly request: string; readonly key: string; readonly id: string },
): Promise<string | undefined> {
  for (const { run } of await store.list({ pipeline, limit: looked })) {
    const [first] = await store.history(run);
    const cause = first?.event.type === 'run-started' ? first.event.cause : undefined;
    if (cause?.request === request && (cause.key === key || cause.key?.endsWith(endBy(id)))) return run;
  }
  return undefined;
}

interface Retrying {
  readonly by: string;
  /** Identifies the request: there is one run for it. `request` tells it from others with that id. */
  readonly id?: string;
  readonly request?: string;
  readonly retries: Retried;
}

/**
 * Starts a run for the reason of an earlier one, with the trigger's values of then. It has a row of its own in the
 * ledger: its key is that of the earlier one with `again-n`, or with the given id, under which there is one run.
 */
export async function retryFiring(
  store: RunStore,
  loaded: LoadedPipeline,
  { cause: { traceparent: _, request: __, ...cause }, started }: Triggered,
  { by, id, request, retries, ...traced }: Retrying & Pick<Cause, 'traceparent'>,
): Promise<Entered> {
  const { pipeline, file } = loaded;
  const named = { pipeline: pipeline.name, trigger: cause.trigger };
  const { generation, now } = await store.trigger(named);
  const due = cause.due ?? started;
  const first = firstKey(cause.key);
  const rows = await store.firings({ ...named, key: first, limit: 1000 });
  const key = id === undefined ? nextKey(first, rows) : first + endBy(id);
  const run = newRunName(new Date(now));
  const mine = { ...cause, key, due, by, ...(request !== undefined && { request }), ...traced };
  const events = [{ type: 'run-started' as const, run, pipeline, file, cause: mine, retries }];
  const start = { run, pipeline: pipeline.name, at: now, events };
  const entered = await store.fire(named, { generation }, [{ key, due, as: { start }, replaces: ['refused'] }]);
  if (!entered?.[0])
    throw new SluiceError('the trigger was reset meanwhile', { kind: 'unavailable', hint: 'try again' });
  return entered[0];
}
