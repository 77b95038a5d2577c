import type { PollContext } from '../../adapters/drivers.ts';
import type { RunStore } from '../../domain/ports/store.ts';
import type { Entered, NewFiring } from '../../domain/ports/triggers.ts';
import { SluiceError } from '../../lib/errors.ts';
import { type NamedTrigger, nameOf, ownCursor, rowOf, storedCursor } from './look.ts';

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
  const named = nameOf(of);
  const skipped = { outcome: 'skipped', reason: `skipped by ${by}` } as const;
  const all: Entered[] = [];
  for (let tried = 0; tried < tries; ) {
    const state = await store.trigger(named);
    const polled = await driver.poll(
      { ...trigger, ...driver.hurried },
      { ...ownCursor(driver, state), pauses: [], waiting: 0 },
      {
        ...context,
        ...named,
        ...{ sources: loaded.pipeline.sources, store, memory: new Map(), signal: AbortSignal.timeout(30_000) },
      },
    );
    const rows = polled.firings.map((firing) =>
      rowOf(of, { ...firing, instead: firing.instead ?? skipped }, state.now),
    );
    const held = await store.firings({ ...named, outcome: 'held', limit: 1000 });
    const ofHeld = held.map(({ key, due }): NewFiring => ({ key, due, as: skipped, replaces: ['held'] }));
    const isPartial = polled.isPartial === true || held.length === 1000;
    const cursor = storedCursor(driver, polled);
    const entered = await store.fire(named, state, [...rows, ...ofHeld], cursor, isPartial);
    if (!entered) {
      tried += 1;
      continue;
    }
    all.push(...entered);
    if (!isPartial) return all;
  }
  throw new SluiceError(`the trigger ${name} changes all the time`, { kind: 'unavailable', hint: 'try again' });
}
