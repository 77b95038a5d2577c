import { setImmediate } from 'node:timers/promises';
import { currentPause } from '../../domain/pauses.ts';
import type { RunStore } from '../../domain/ports/store.ts';
import { matchesGlob } from '../../lib/glob.ts';
import { iso } from '../../lib/text.ts';
import type { CalendarDocument } from '../views/triggers.ts';
import { type NamedTrigger, nameOf } from './look.ts';
import { horizonOf, stateOf } from './overview.ts';

export interface CalendarRange {
  /** Milliseconds since 1970; `to` is not included. */
  readonly from: number;
  readonly to: number;
  /** Names of pipelines in which `*` stands for any text. */
  readonly pipelines: readonly string[];
}

type Item = CalendarDocument['items'][number];

/** The most items of an answer, and of one trigger that are still to come. */
const mostItems = 2000;
const mostComing = 750;

/** The rows of the ledger of a time, and the instants that have none yet, in the order in which they are due. */
export async function calendarOf(
  store: RunStore,
  all: readonly NamedTrigger[],
  { from, to, pipelines }: CalendarRange,
): Promise<CalendarDocument> {
  const rows = await store.firings({ pipelines, since: from, until: to, limit: mostItems + 1 });
  const items: Item[] = rows.map(({ pipeline, trigger, key, due, outcome, reason, run, count }) => ({
    ...{ pipeline, trigger, key, due: iso(due), outcome, reason: reason ?? null, run: run ?? null, count },
  }));
  let isComplete = rows.length <= mostItems;
  // Beyond the last item that has a place, none needs to be looked for.
  let until = to;
  for (const of of all) {
    if (!of.driver.instants || !pipelines.some((glob) => matchesGlob(glob, of.loaded.pipeline.name))) continue;
    const coming = await comingOf(store, of, from, until);
    if (coming.length > mostComing) isComplete = false;
    items.push(...coming.slice(0, mostComing));
    if (items.length > mostItems) {
      isComplete = false;
      items.sort(byDue).splice(mostItems);
      until = Math.min(until, Date.parse(items.at(-1)?.due ?? '') || until);
    }
    // Leases are extended in between, however many triggers there are.
    await setImmediate();
  }
  return { items: items.sort(byDue).slice(0, mostItems), isComplete };
}

const byDue = (a: Item, b: Item): number => ((a.due ?? '') < (b.due ?? '') ? -1 : 1);

/** The instants of a trigger that are not in the ledger yet; one more than are listed when there are too many. */
async function comingOf(store: RunStore, of: NamedTrigger, from: number, to: number): Promise<Item[]> {
  const { trigger, driver } = of;
  const named = nameOf(of);
  const state = await stateOf(store, named);
  const pause = currentPause(state.pauses);
  const items: Item[] = [];
  for (const { key, due, instead } of driver.instants?.(
    trigger,
    Math.max(from - 1, horizonOf(of, state)),
    state.armed,
  ) ?? []) {
    if (due >= to || items.length > mostComing) break;
    const isPaused = pause && due >= pause.from && due < (pause.until ?? Number.POSITIVE_INFINITY);
    const outcome = instead?.outcome ?? (isPaused ? 'paused' : due <= state.now ? 'owed' : 'to-come');
    const reason = instead?.reason ?? (isPaused ? (pause.reason ?? `by ${pause.by}`) : null);
    items.push({ ...named, key, due: iso(due), outcome, reason, run: null, count: 1 });
  }
  return items;
}
