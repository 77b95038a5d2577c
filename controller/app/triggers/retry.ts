import { createHash } from 'node:crypto';
import type { Cause } from '../../domain/events.ts';
import type { RunStore } from '../../domain/ports/store.ts';
import type { Entered } from '../../domain/ports/triggers.ts';
import { SluiceError } from '../../lib/errors.ts';
import type { LoadedPipeline } from '../../pipeline/loader.ts';
import { newRunName } from '../new-run.ts';
import { firstKey, nextKey } from './fire.ts';

/** A run that a trigger has started. */
export interface Triggered {
  readonly cause: Cause & { readonly trigger: string; readonly key: string };
  readonly started: number;
}

export const isTriggered = (cause: Cause | undefined): cause is Triggered['cause'] =>
  cause?.trigger !== undefined && cause.key !== undefined;

/**
 * Starts a run for the reason of an earlier one, with the trigger's values of then. It has a row of its own in the
 * ledger: its key is that of the earlier one with `again-n`, or with the given id, under which there is one run.
 */
export async function retryFiring(
  store: RunStore,
  loaded: LoadedPipeline,
  { cause: { traceparent: _, ...cause }, started }: Triggered,
  { by, id, ...traced }: { readonly by: string; readonly id?: string } & Pick<Cause, 'traceparent'>,
): Promise<Entered> {
  const { pipeline, file } = loaded;
  const named = { pipeline: pipeline.name, trigger: cause.trigger };
  const { generation, now } = await store.trigger(named);
  const due = cause.due ?? started;
  const first = firstKey(cause.key);
  const rows = await store.firings({ ...named, key: first, limit: 1000 });
  const key =
    id === undefined
      ? nextKey(first, rows)
      : `${first} again-by-${createHash('sha256').update(id).digest('hex').slice(0, 16)}`;
  const run = newRunName(new Date(now));
  const events = [{ type: 'run-started' as const, run, pipeline, file, cause: { ...cause, key, due, by, ...traced } }];
  const start = { run, pipeline: pipeline.name, at: now, events };
  const entered = await store.fire(named, { generation }, [{ key, due, as: { start }, replaces: ['refused'] }]);
  if (!entered?.[0])
    throw new SluiceError('the trigger was reset meanwhile', { kind: 'unavailable', hint: 'try again' });
  return entered[0];
}
