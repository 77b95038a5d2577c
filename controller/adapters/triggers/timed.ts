import { z } from 'zod';
import type { TriggerState } from '../../domain/ports/triggers.ts';
import { milliseconds } from '../../lib/duration.ts';
import { duration } from '../../pipeline/schema.ts';
import type { Due, DueFiring, Instant } from '../firing.ts';
import { storedInstants } from './instants.ts';

/** Fields of triggers that fire by the clock. */
export const timed = {
  missed: z
    .enum(['last', 'all', 'none'])
    .default('last')
    .describe(
      'What starts when instants passed while no controller ran: the last one, all of them one after the other, or none',
    ),
  within: duration.default('24h').describe('An instant that is later than this is never caught up'),
};

/** An instant that is noted so much later than it was due is late. Milliseconds. */
const onTimeMs = 60_000;
/** The most runs of a trigger that wait while it catches up. */
const catchUp = 10;
/** The most instants of one poll. */
const mostInstants = 10_000;

/** What a trigger by the clock has accounted for. */
export interface TimedCursor {
  /** Its fields that determine instants. */
  readonly definition: unknown;
  /** All instants up to here are in the ledger. Milliseconds since 1970, without jitter. */
  readonly horizon: number;
}

interface Timing {
  readonly missed: 'last' | 'all' | 'none';
  readonly within: string;
  readonly definition: unknown;
  readonly instants: (after: number) => Iterable<Instant>;
  /** How much later than its instant a key is due. Milliseconds. */
  readonly delayOf?: (key: string) => number;
}

/** An instant that has passed. */
interface Passed {
  /** When it was due by the schedule alone, which orders instants. */
  readonly at: number;
  readonly instant: Instant;
  /** When it and those before it were due: with jitter, a later one may be due earlier, and waits for the others. */
  readonly ready: number;
}

/**
 * A poll of a trigger that fires by the clock: an outcome for every instant that has passed. A changed definition owes
 * nothing of the past; what the former one still owes is accounted for first. Pure.
 */
export function timedPoll(timing: Timing, cursor: TimedCursor | undefined, known: TriggerState): Due {
  const { definition, instants, delayOf = () => 0 } = timing;
  const { now, armed } = known;
  const firings: DueFiring[] = [];
  if (cursor && JSON.stringify(cursor.definition) !== JSON.stringify(definition)) {
    const left = formerFirings(timing, cursor, known, firings);
    if (left) return { firings, cursor: left, next: now, isPartial: true };
  }
  let horizon = firstHorizon(definition, cursor, known) ?? armed;
  const passed: Passed[] = [];
  let next: number | undefined;
  for (const each of instants(horizon)) {
    const instant = { ...each, due: each.due + delayOf(each.key) };
    next = instant.due;
    if (instant.due > now || (passed.length >= mostInstants && passed.at(-1)?.at !== each.due)) {
      // Those of one time stay together, as the horizon passes all of them; with jitter they are due apart.
      while (passed.at(-1)?.at === each.due) passed.pop();
      break;
    }
    passed.push({ at: each.due, instant, ready: Math.max(instant.due, passed.at(-1)?.ready ?? 0) });
    next = undefined;
  }
  const isCut = next !== undefined && next <= now;
  const decide = decider(timing, known, isCut ? undefined : passed);
  for (let i = 0; i < passed.length; ) {
    const { at } = passed[i] as Passed;
    let end = i + 1;
    while (passed[end]?.at === at) end += 1;
    const together = passed.slice(i, end);
    const decided = together.map((each) => decide(each, firings));
    // The others follow when those that wait have begun.
    if (decided.includes(undefined))
      return { firings, cursor: { definition, horizon }, next: now + 1000, isPartial: true };
    for (const firing of decided) if (firing) addTo(firings, firing);
    horizon = at;
    i = end;
  }
  return { firings, cursor: { definition, horizon }, next: isCut ? now : next, isPartial: isCut };
}

/** Where a definition begins: where it has got to, or now. An instant that has a row gets no other one. */
const firstHorizon = (definition: unknown, cursor: TimedCursor | undefined, { now }: TriggerState) =>
  cursor && JSON.stringify(cursor.definition) !== JSON.stringify(definition)
    ? Math.max(now, cursor.horizon)
    : cursor?.horizon;

/**
 * Adds what the definition of the cursor owes up to now: what is due right now starts, the rest is missed. Returns a
 * cursor when that is too much for one poll.
 */
function formerFirings(
  { delayOf = () => 0 }: Timing,
  { definition, horizon }: TimedCursor,
  { now, armed, pauses }: TriggerState,
  firings: DueFiring[],
): TimedCursor | undefined {
  let passed = 0;
  let upTo = horizon;
  for (const each of storedInstants(definition, horizon, armed)) {
    if (each.due > now) return undefined;
    if (passed >= mostInstants && each.due > upTo) return { definition, horizon: upTo };
    passed += 1;
    upTo = each.due;
    const instant = { ...each, due: each.due + delayOf(each.key) };
    const isOnTime = instant.due <= now && now - instant.due <= onTimeMs;
    const reason = 'the schedule was changed before it started';
    addTo(
      firings,
      instant.instead
        ? instant
        : (skippedIn(pauses, instant) ?? (isOnTime ? instant : { ...instant, instead: { outcome: 'missed', reason } })),
    );
  }
  return undefined;
}

/** The firing of an instant that was due in a pause. */
function skippedIn(pauses: TriggerState['pauses'], instant: Instant, ready = instant.due): DueFiring | undefined {
  const pause = pauses.find(({ from, to = Number.POSITIVE_INFINITY }) => from <= ready && ready < to);
  if (!pause) return undefined;
  const reason = `paused by ${pause.by}${pause.reason ? `: ${pause.reason}` : ''}`;
  return { ...instant, instead: { outcome: 'skipped', reason } };
}

/** Decides what becomes of each instant. `all` are those that have passed, undefined when there are more of them. */
function decider(
  { missed, within }: Timing,
  { now, pauses, waiting }: TriggerState,
  all: readonly Passed[] | undefined,
) {
  const last = all?.findLast(({ instant, ready }) => !instant.instead && !skippedIn(pauses, instant, ready))?.instant;
  return ({ instant, ready }: Passed, before: readonly DueFiring[]): DueFiring | undefined => {
    const instead = (outcome: 'missed' | 'superseded', reason: string): DueFiring => ({
      ...instant,
      instead: { outcome, reason },
    });
    const lateMs = now - ready;
    if (instant.instead) return instant;
    const skipped = skippedIn(pauses, instant, ready);
    if (skipped) return skipped;
    if (lateMs <= onTimeMs) return instant;
    if (missed === 'none') return instead('missed', 'no controller ran, and missed is none');
    if (lateMs > milliseconds(within)) return instead('missed', `later than within: ${within}`);
    if (missed === 'last') return instant === last ? instant : instead('superseded', 'a later instant stands for it');
    const started = before.filter((each) => !each.instead).length;
    return waiting + started < catchUp ? { ...instant, isAlone: true } : undefined;
  };
}

/** Adds a firing; consecutive ones that start no run for the same reason become one row. */
function addTo(firings: DueFiring[], firing: DueFiring): void {
  const before = firings.at(-1);
  const { instead } = firing;
  const isOne = before?.isMoved || firing.isMoved;
  if (!before?.instead || !instead || isOne || before.instead.reason !== instead.reason) {
    firings.push(firing);
    return;
  }
  const [first] = before.key.split(' .. ');
  const count = (before.count ?? 1) + 1;
  firings[firings.length - 1] = { ...before, key: `${first} .. ${firing.key}`, until: firing.due, count };
}
