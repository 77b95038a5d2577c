import { z } from 'zod';
import type { TriggerState } from '../../domain/ports/triggers.ts';
import { milliseconds } from '../../lib/duration.ts';
import { duration } from '../../pipeline/schema.ts';
import type { Due, DueFiring, Instant } from '../firing.ts';

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

/**
 * A poll of a trigger that fires by the clock: an outcome for every instant that has passed. A changed definition owes
 * nothing of the past. Pure.
 */
export function timedPoll(timing: Timing, cursor: TimedCursor | undefined, known: TriggerState): Due {
  const { definition, instants, delayOf = () => 0 } = timing;
  const { now, armed } = known;
  const isSame = !cursor || JSON.stringify(cursor.definition) === JSON.stringify(definition);
  let horizon = isSame ? (cursor?.horizon ?? armed) : now;
  const passed: { readonly at: number; readonly instant: Instant }[] = [];
  let next: number | undefined;
  for (const each of instants(horizon)) {
    const instant = { ...each, due: each.due + delayOf(each.key) };
    next = instant.due;
    if (instant.due > now || passed.length === mostInstants) break;
    passed.push({ at: each.due, instant });
    next = undefined;
  }
  const isCut = next !== undefined && next <= now;
  const decide = decider(timing, known, isCut ? undefined : passed.map(({ instant }) => instant));
  const firings: DueFiring[] = [];
  for (const { at, instant } of passed) {
    const firing = decide(instant, firings);
    // The others follow when those that wait have begun.
    if (!firing) return { firings, cursor: { definition, horizon }, next: now + 1000 };
    addTo(firings, firing);
    horizon = at;
  }
  return { firings, cursor: { definition, horizon }, next: isCut ? now : next };
}

/** Decides what becomes of each instant. `all` are those that have passed, undefined when there are more of them. */
function decider(
  { missed, within }: Timing,
  { now, pauses, waiting }: TriggerState,
  all: readonly Instant[] | undefined,
) {
  const pauseOf = ({ due }: Instant) =>
    pauses.find(({ from, to = Number.POSITIVE_INFINITY }) => from <= due && due < to);
  const last = all?.findLast((each) => !each.instead && !pauseOf(each));
  return (instant: Instant, before: readonly DueFiring[]): DueFiring | undefined => {
    const instead = (outcome: 'skipped' | 'missed' | 'superseded', reason: string): DueFiring => ({
      ...instant,
      instead: { outcome, reason },
    });
    const pause = pauseOf(instant);
    const lateMs = now - instant.due;
    if (instant.instead) return instant;
    if (pause) return instead('skipped', `paused by ${pause.by}${pause.reason ? `: ${pause.reason}` : ''}`);
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
  if (!before?.instead || !instead || before.instead.reason !== instead.reason) {
    firings.push(firing);
    return;
  }
  const [first] = before.key.split(' .. ');
  const count = (before.count ?? 1) + 1;
  firings[firings.length - 1] = { ...before, key: `${first} .. ${firing.key}`, until: firing.due, count };
}
