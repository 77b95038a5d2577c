import type { PollContext } from '../../adapters/drivers.ts';
import type { RunStore } from '../../domain/ports/store.ts';
import type { Entered } from '../../domain/ports/triggers.ts';
import { SluiceError } from '../../lib/errors.ts';
import { type NamedTrigger, rowOf } from './look.ts';

/** How often a skip is tried again when the trigger has changed meanwhile. */
const tries = 5;

/**
 * Enters what a trigger owes now as skipped, so that it starts no run. Returns the rows. Works on a paused trigger, too.
 */
export async function skipDue(
  store: RunStore,
  of: NamedTrigger,
  by: string,
  context: Pick<PollContext, 'project' | 'scratch' | 'storage' | 'sourceKinds'>,
): Promise<readonly Entered[]> {
  const { loaded, name, trigger, driver } = of;
  const named = { pipeline: loaded.pipeline.name, trigger: name };
  const all: Entered[] = [];
  for (let tried = 0; tried < tries; ) {
    const state = await store.trigger(named);
    const polled = await driver.poll(
      trigger,
      { ...state, pauses: [], waiting: 0 },
      {
        ...context,
        ...named,
        ...{ sources: loaded.pipeline.sources, store, memory: new Map(), signal: AbortSignal.timeout(30_000) },
      },
    );
    const rows = polled.firings.map((firing) =>
      rowOf(
        of,
        { ...firing, instead: firing.instead ?? { outcome: 'skipped', reason: `skipped by ${by}` } },
        state.now,
      ),
    );
    const entered = await store.fire(named, state, rows, polled.cursor, polled.isPartial);
    if (!entered) {
      tried += 1;
      continue;
    }
    all.push(...entered);
    if (!polled.isPartial) return all;
  }
  throw new SluiceError(`the trigger ${name} changes all the time`, { kind: 'unavailable', hint: 'try again' });
}
