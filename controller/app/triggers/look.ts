import { createHash } from 'node:crypto';
import type { PollContext, TriggerDriver } from '../../adapters/drivers.ts';
import type { Due, DueFiring } from '../../adapters/firing.ts';
import type { Cause } from '../../domain/events.ts';
import { currentPause, pausedItself } from '../../domain/pauses.ts';
import type { Trigger } from '../../domain/pipeline.ts';
import type { RunStore } from '../../domain/ports/store.ts';
import type { Entered, NewFiring, TriggerName, TriggerState } from '../../domain/ports/triggers.ts';
import { reasonOf } from '../../lib/errors.ts';
import { storable } from '../../lib/storable.ts';
import { holds, operands } from '../../pipeline/conditions.ts';
import type { LoadedPipeline } from '../../pipeline/loader.ts';
import { render } from '../../pipeline/template.ts';
import { triggerValues } from '../../planning/trigger-values.ts';
import { newRunName } from '../new-run.ts';

/** A trigger of a loaded pipeline, with its driver. */
export interface NamedTrigger {
  readonly loaded: LoadedPipeline;
  readonly name: string;
  readonly trigger: Trigger;
  readonly driver: TriggerDriver;
}

/** The name of a trigger in the store. */
export const nameOf = ({ loaded, name }: NamedTrigger): TriggerName => ({
  pipeline: loaded.pipeline.name,
  trigger: name,
});

export interface Looked {
  readonly entered: readonly Entered[];
  /** Whether the stored state of the trigger is another one now. */
  readonly changed: boolean;
  /** The changed state, where it is known without reading it. */
  readonly known?: TriggerState;
  /** Why nothing fires although something has come. */
  readonly problem?: string | undefined;
  /** Files, messages or rows that were seen and not accounted for. */
  readonly left?: number | undefined;
  /** When to look again, by the store's clock; undefined: when something of the trigger has changed. */
  readonly next: number | undefined;
}

/**
 * Polls a trigger once, and enters what is due into the ledger, with its runs. The runs have no owner: any free
 * controller claims them. Undefined when the trigger has changed meanwhile: the caller reads it again.
 */
export async function look(
  store: RunStore,
  of: NamedTrigger,
  known: TriggerState,
  context: Omit<PollContext, 'pipeline' | 'trigger' | 'sources' | 'store'>,
): Promise<Looked | undefined> {
  const { loaded, trigger, driver } = of;
  const pause = currentPause(known.pauses);
  if (pause) return { entered: [], changed: false, next: pause.until };
  const named = nameOf(of);
  const before = ownCursor(driver, known);
  const { sources } = loaded.pipeline;
  const polled = await driver.poll(trigger, before, {
    ...context,
    ...named,
    sources,
    store,
  });
  const { firings, cursor, left, next, isPartial, problem } = polled;
  const isSame = JSON.stringify(cursor) === JSON.stringify(before.cursor);
  const isAccounted = known.pauses.length === 0 || isPartial === true;
  if (firings.length === 0 && isSame && isAccounted) return { entered: [], changed: false, left, next, problem };
  // What is due by the clock is skipped; what has come waits for the end of the pause, as in any other one.
  const reason = firings.length > 0 ? await pauseIfFailing(store, of, known) : undefined;
  if (reason !== undefined && !driver.instants) return { entered: [], changed: true, next: undefined };
  const rows = firings.map((firing) => rowOf(of, firing, known.now, { paused: reason }));
  const seen = { ...known, seq: known.seq + (reason === undefined ? 0 : 1) };
  const stored = storedCursor(driver, polled);
  const entered = await store.fire(named, seen, rows, stored, isPartial);
  if (!entered) return undefined;
  if (reason !== undefined || known.pauses.length > 0) return { entered, changed: true, left, next, problem };
  const waiting = known.waiting + entered.filter(({ isNew, outcome }) => isNew && outcome === 'started').length;
  return {
    entered,
    changed: true,
    known: { ...known, seq: known.seq + 1, cursor: stored, waiting },
    left,
    next,
    problem,
  };
}

/** Kinds that fire by the clock account for each other's instants; other kinds do not know each other's cursors. */
const familyOf = (driver: TriggerDriver): string => (driver.instants ? 'clock' : driver.kind);

/** A cursor with the family that reads it, and beside it what servers of an earlier version read. */
interface StoredCursor {
  readonly kind: string;
  readonly cursor: unknown;
}

export const storedCursor = (driver: TriggerDriver, { cursor, former }: Due): StoredCursor => ({
  ...former,
  kind: familyOf(driver),
  cursor,
});

/** The state as a kind knows it. A trigger that was of another kind begins anew, now. */
export function ownCursor(driver: TriggerDriver, known: TriggerState): TriggerState {
  if (known.cursor === undefined) return known;
  const { kind = 'clock', cursor = known.cursor } = known.cursor as Partial<StoredCursor>;
  return kind === familyOf(driver) ? { ...known, cursor } : { ...known, cursor: undefined, armed: known.now };
}

/**
 * Pauses a trigger whose last `pauseAfter` runs have failed since it was resumed, and returns the reason; undefined when
 * it may go on.
 */
export async function pauseIfFailing(
  store: RunStore,
  of: NamedTrigger,
  { resumed, armed }: Pick<TriggerState, 'resumed' | 'armed'>,
): Promise<string | undefined> {
  const { pauseAfter } = of.trigger;
  if (pauseAfter === undefined) return undefined;
  const named = nameOf(of);
  const ends = await store.lastEnds(named, resumed ?? armed, pauseAfter);
  if (ends.length < pauseAfter || ends.some((state) => state !== 'failed')) return undefined;
  const reason = `${pauseAfter} failures in a row`;
  await store.pause(named, { by: pausedItself, reason });
  return reason;
}

interface RowOptions {
  /** Why the trigger starts nothing. */
  readonly paused?: string | undefined;
  /** Who fires it by hand. */
  readonly by?: string;
  /** Values instead of those of `with`; they are not templates. */
  readonly given?: Readonly<Record<string, string>> | undefined;
}

/** An index of a database takes no key of any length. */
const boundedKey = (key: string): string =>
  key.length <= 500 ? key : `${key.slice(0, 400)}… ${createHash('sha256').update(key).digest('hex')}`;

/** The row of the ledger for a firing: its run, or why it starts none. `now` is the store's time. */
export function rowOf(
  of: NamedTrigger,
  found: DueFiring,
  now: number,
  { paused, by, given }: RowOptions = {},
): NewFiring {
  const firing = storable({ ...found, key: boundedKey(found.key) }) as DueFiring;
  const { key, due, count, until, replaces, payload } = firing;
  const row = {
    ...{ key, due },
    ...(count !== undefined && { count }),
    ...(until !== undefined && { until }),
    ...(replaces && { replaces }),
    ...(payload !== undefined && { payload }),
  };
  if (firing.instead) return { ...row, as: firing.instead };
  if (paused !== undefined) return { ...row, as: { outcome: 'skipped', reason: `paused: ${paused}` } };
  try {
    const cause = causeOf(of, firing, by);
    const { when } = of.trigger;
    const values = { ...triggerValues(cause, now), now: new Date(now) };
    if (when !== undefined && !holds(when, values)) {
      const reason = `when: ${shownOperands(of.driver, operands(when, values)).join(', ') || 'it is false'}`;
      return { ...row, as: { outcome: 'skipped', reason: reason.slice(0, 500) } };
    }
    const filled = of.trigger.with && { ...(render(of.trigger.with, values, {}) as Cause['with']), ...given };
    return { ...row, as: startOf(of, { ...cause, ...(filled && { with: filled }) }, now, firing.isAlone === true) };
  } catch (error) {
    return { ...row, as: { outcome: 'refused', reason: reasonOf(error).slice(0, 500) } };
  }
}

/** The values that made `when` false. The ledger names those of requests and messages, and does not show them. */
function shownOperands({ facts = {} }: TriggerDriver, all: readonly string[]): readonly string[] {
  const hidden = Object.keys(facts).filter((name) => facts[name] === 'dyn');
  return all.map((each) =>
    hidden.some((name) => new RegExp(`^trigger(\\.${name}\\b| = )`).test(each))
      ? each.slice(0, each.indexOf(' = '))
      : each,
  );
}

function causeOf({ name, driver }: NamedTrigger, firing: DueFiring, by: string | undefined): Cause {
  const { key, due, time, facts, traceparent } = firing;
  const more = {
    ...{ ...(time !== undefined && { time }), ...(facts && { facts }), ...(by !== undefined && { by }) },
    ...(traceparent !== undefined && { traceparent }),
  };
  return { kind: driver.kind, trigger: name, key, due, ...more };
}

function startOf({ loaded }: NamedTrigger, cause: Cause, now: number, isAlone: boolean): NewFiring['as'] {
  const { pipeline, file } = loaded;
  const run = newRunName(new Date(now));
  const events = [{ type: 'run-started' as const, run, pipeline, file, cause }];
  const start = { run, pipeline: pipeline.name, at: now, events };
  // A waiting run reads whatever is there when it begins, but knows only the firing that started it.
  return isAlone || cause.with || loaded.usesTrigger ? { start } : { start, joins: { type: 'triggered', cause } };
}
