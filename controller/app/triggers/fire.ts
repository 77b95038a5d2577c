import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { DueFiring } from '../../adapters/firing.ts';
import type { RunStore } from '../../domain/ports/store.ts';
import { type FiringRecord, mostWaiting, type NewFiring, type TriggerState } from '../../domain/ports/triggers.ts';
import { rejected, SluiceError } from '../../lib/errors.ts';
import { iso } from '../../lib/text.ts';
import type { Fired } from '../views/triggers.ts';
import { type NamedTrigger, nameOf, rowOf } from './look.ts';
import { stateOf } from './overview.ts';

export interface FireRequest {
  /** Instants of a range, in milliseconds since 1970, both included; left out, one firing now. */
  readonly range?: { readonly from: number; readonly to: number };
  /** Of a range: those without a run, those whose run failed, or all. */
  readonly only?: 'missing' | 'failed' | 'all';
  readonly isDryRun?: boolean;
  /** Values instead of those of `with`; their names must be declared there. */
  readonly with?: Readonly<Record<string, string>>;
  readonly by: string;
}

interface Item {
  readonly firing: DueFiring;
  readonly action: 'start' | 'leave';
  readonly reason: string;
}

/** The outcomes without a run, which a firing by hand replaces. */
const withoutRun = ['skipped', 'superseded', 'missed', 'refused'] as const;
const noRow = 'the ledger has no row of it';
const forgotten = 'the ledger has no rows of that time any more (retention.firings); --only all starts it';
const changedMeanwhile = 'the trigger was reset meanwhile';

/**
 * Fires a trigger by hand, whether or not it is paused: now, or for the instants of a range. The keys of a range are
 * those of the schedule, so that no instant has two runs; one that has a run gets another key when it runs again. Of
 * what the ledger has forgotten after `keptMs`, it is not known whether it had one.
 */
export async function fireByHand(
  store: RunStore,
  of: NamedTrigger,
  request: FireRequest,
  keptMs = Number.POSITIVE_INFINITY,
): Promise<Fired> {
  const named = nameOf(of);
  const declared = Object.keys(of.trigger.with ?? {});
  const unknown = Object.keys(request.with ?? {}).find((name) => !declared.includes(name));
  if (unknown !== undefined)
    throw rejected(
      `the trigger ${of.name} has no value "${unknown}" under with`,
      `declare it in ${of.loaded.file}; known: ${declared.join(', ') || 'none'}`,
    );
  const state = await (request.isDryRun ? stateOf(store, named) : store.trigger(named));
  const items = request.range ? await ofRange(store, of, state, request, keptMs) : [now(state)];
  const starts = items.filter(({ action }) => action === 'start');
  assertRoom(starts.length, state);
  const rows = starts.map(({ firing }) => ownRow(of, firing, state.now, request));
  const entered = request.isDryRun ? [] : await store.fire(named, { generation: state.generation }, rows);
  if (!entered) throw new SluiceError(changedMeanwhile, { kind: 'unavailable', hint: 'try again' });
  const outcomeOf = new Map(entered.map((each) => [each.key, each]));
  return {
    ...named,
    dryRun: request.isDryRun === true,
    items: items.map(({ firing: { key, due }, action, reason }) => {
      const { outcome = null, run = null, reason: why } = outcomeOf.get(key) ?? {};
      return { key, due: iso(due), action, reason: why ?? reason, outcome, run };
    }),
  };
}

/** Throws when so many runs may not wait. */
function assertRoom(starts: number, { waiting }: TriggerState): void {
  if (starts > mostWaiting - waiting)
    throw rejected(
      `${starts} runs or more would be started, and ${waiting} of this trigger wait; at most ${mostWaiting} may`,
      'give a shorter range, and the rest when these have begun',
    );
}

const now = ({ now: at }: TriggerState): Item => {
  const key = `by hand ${iso(at)} ${randomBytes(3).toString('hex')}`;
  return { firing: { key, due: at, isAlone: true }, action: 'start', reason: 'asked for' };
};

/** The row of a firing by hand: it needs no condition, and has the given values. */
function ownRow(of: NamedTrigger, firing: DueFiring, at: number, request: FireRequest): NewFiring {
  const { when: _, ...trigger } = of.trigger;
  const row = rowOf({ ...of, trigger }, firing, at, { by: request.by, given: request.with });
  return { ...row, replaces: withoutRun };
}

async function ofRange(
  store: RunStore,
  of: NamedTrigger,
  state: TriggerState,
  { range, only = 'missing' }: FireRequest,
  keptMs: number,
): Promise<Item[]> {
  const { from = 0, to = 0 } = range ?? {};
  if (!of.driver.instants)
    throw rejected(
      `the trigger ${of.name} fires ${of.driver.describe(of.trigger)}: it has no instants`,
      'leave the range out',
    );
  if (to > state.now) throw rejected(`${iso(to)} is still to come`, 'end the range in the past');
  const items: Item[] = [];
  let starts = 0;
  for (const instant of of.driver.instants(of.trigger, from - 1, state.armed)) {
    if (instant.due > to) break;
    if (items.length === 10_000) throw rejected('the range has more than 10000 instants', 'give a shorter one');
    // A store in this process answers without giving way to others, such as the lease of the controller.
    if (items.length % 50 === 49) await setImmediate();
    const { instead, ...firing } = instant;
    if (instead) {
      items.push({ firing, action: 'leave', reason: instead.reason });
      continue;
    }
    const item = await itemOf(store, of, firing, only);
    const mayBeForgotten = item.reason === noRow && instant.due > state.armed && instant.due <= state.now - keptMs;
    items.push(mayBeForgotten && only === 'missing' ? { ...item, action: 'leave', reason: forgotten } : item);
    if (items.at(-1)?.action === 'start') starts += 1;
    assertRoom(starts, state);
  }
  return items;
}

async function itemOf(
  store: RunStore,
  of: NamedTrigger,
  instant: DueFiring,
  only: NonNullable<FireRequest['only']>,
): Promise<Item> {
  const named = nameOf(of);
  const firing = { ...instant, isAlone: true };
  // The rows of this instant: its own, and those of its repetitions, newest first.
  const rows = await store.firings({ ...named, key: instant.key, limit: 100 });
  const [last] = rows;
  const isRun = last !== undefined && (last.outcome === 'started' || last.outcome === 'joined');
  if (!isRun) {
    const [why] = last ? [last] : await store.firings({ ...named, at: instant.due, limit: 1 });
    const reason = why ? `it was ${why.outcome}: ${why.reason}` : noRow;
    return { firing, action: only === 'failed' ? 'leave' : 'start', reason };
  }
  const ended = last.run === undefined ? undefined : await store.find(last.run);
  const reason = `run ${last.run ?? '(removed)'}${ended ? ` is ${ended.state}` : ''}`;
  if (only === 'missing' || (only === 'failed' && ended?.state !== 'failed'))
    return { firing, action: 'leave', reason };
  return { firing: { ...firing, key: nextKey(instant.key, rows) }, action: 'start', reason };
}

/** The key of a firing without what tells its repetitions apart. */
export const firstKey = (key: string): string => key.replace(/ again-(by-[0-9a-f]{16}|\d+)$/, '');

/** The key of the next repetition of a firing, given its rows. */
export function nextKey(key: string, rows: readonly FiringRecord[]): string {
  const numbers = rows.flatMap((row) => {
    const number = row.key.startsWith(`${key} again-`) ? row.key.slice(key.length + ' again-'.length) : '';
    return /^\d{1,9}$/.test(number) ? Number(number) : [];
  });
  return `${key} again-${Math.max(0, ...numbers) + 1}`;
}
