import type { PollContext, TriggerDriver } from '../../adapters/drivers.ts';
import type { DueFiring } from '../../adapters/firing.ts';
import type { Cause } from '../../domain/events.ts';
import { currentPause } from '../../domain/pauses.ts';
import type { Trigger } from '../../domain/pipeline.ts';
import type { RunStore } from '../../domain/ports/store.ts';
import type { Entered, NewFiring, TriggerState } from '../../domain/ports/triggers.ts';
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

export interface Looked {
  readonly entered: readonly Entered[];
  /** Whether the stored state of the trigger is another one now. */
  readonly changed: boolean;
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
  const { loaded, name, trigger, driver } = of;
  const { pipeline } = loaded;
  const pause = currentPause(known.pauses);
  if (pause) return { entered: [], changed: false, next: pause.until };
  const named = { pipeline: pipeline.name, trigger: name };
  const { sources } = pipeline;
  const { firings, cursor, next, isPartial } = await driver.poll(trigger, known, {
    ...context,
    ...named,
    sources,
    store,
  });
  const isSame = JSON.stringify(cursor) === JSON.stringify(known.cursor);
  const isAccounted = known.pauses.length === 0 || isPartial === true;
  if (firings.length === 0 && isSame && isAccounted) return { entered: [], changed: false, next };
  const failures = firings.length > 0 ? await failuresInARow(store, of, known) : 0;
  const isFailing = failures > 0 && failures === trigger.pauseAfter;
  const rows = firings.map((firing) =>
    rowOf(of, firing, known.now, { paused: isFailing ? tooManyFailures(failures) : undefined }),
  );
  const entered = await store.fire(named, known, rows, cursor, isPartial);
  if (entered && isFailing) await store.pause(named, { by: 'sluice', reason: tooManyFailures(failures) });
  return entered && { entered, changed: true, next };
}

const tooManyFailures = (n: number): string => `${n} failures in a row`;

/** The failed runs of a trigger since its last success, up to its `pauseAfter`. */
async function failuresInARow(
  store: RunStore,
  { loaded, name, trigger }: NamedTrigger,
  { resumed, armed }: TriggerState,
): Promise<number> {
  if (trigger.pauseAfter === undefined) return 0;
  const named = { pipeline: loaded.pipeline.name, trigger: name };
  const ends = await store.lastEnds(named, resumed ?? armed, trigger.pauseAfter);
  const succeeded = ends.findIndex((state) => state !== 'failed');
  return succeeded < 0 ? ends.length : succeeded;
}

interface RowOptions {
  /** Why the trigger starts nothing. */
  readonly paused?: string | undefined;
  /** Who fires it by hand. */
  readonly by?: string;
  /** Values instead of those of `with`; they are not templates. */
  readonly given?: Readonly<Record<string, string>> | undefined;
}

/** The row of the ledger for a firing: its run, or why it starts none. `now` is the store's time. */
export function rowOf(
  of: NamedTrigger,
  found: DueFiring,
  now: number,
  { paused, by, given }: RowOptions = {},
): NewFiring {
  const firing = storable(found) as DueFiring;
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

function causeOf({ name, driver }: NamedTrigger, { key, due, time, facts }: DueFiring, by: string | undefined): Cause {
  const more = { ...(time !== undefined && { time }), ...(facts && { facts }), ...(by !== undefined && { by }) };
  return { kind: driver.kind, trigger: name, key, due, ...more };
}

function startOf({ loaded }: NamedTrigger, cause: Cause, now: number, isAlone: boolean): NewFiring['as'] {
  const { pipeline, file } = loaded;
  const run = newRunName(new Date(now));
  const events = [{ type: 'run-started' as const, run, pipeline, file, cause }];
  const start = { run, pipeline: pipeline.name, at: now, events };
  // A waiting run reads whatever is there when it begins, but has its own values.
  return isAlone || cause.with ? { start } : { start, joins: { type: 'triggered', cause } };
}
