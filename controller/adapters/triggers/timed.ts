import { z } from 'zod';
import type { TriggerState } from '../../domain/ports/triggers.ts';
import { milliseconds } from '../../lib/duration.ts';
import { duration } from '../../pipeline/schema.ts';
import type { Due, DueFiring, Instant } from '../drivers.ts';

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
  /** All instants up to here are in the ledger. Milliseconds since 1970. */
  readonly horizon: number;
}

interface Policy {
  readonly missed: 'last' | 'all' | 'none';
  readonly within: string;
}

/** A poll of a trigger that fires by the clock: an outcome for every instant that has passed. Pure. */
export function timedPoll(
  { missed, within }: Policy,
  instants: (after: number) => Iterable<Instant>,
  cursor: TimedCursor,
  { now, pauses, waiting }: TriggerState,
): Due {
  const passed: Instant[] = [];
  let next: number | undefined;
  for (const instant of instants(cursor.horizon)) {
    next = instant.due;
    if (instant.due > now || passed.length === mostInstants) break;
    passed.push(instant);
    next = undefined;
  }
  const more = next !== undefined && next <= now;
  const isLate = ({ due }: Instant): boolean => now - due > onTimeMs;
  const pausedBy = ({ due }: Instant) => pauses.find(({ from, to }) => from <= due && due < (to ?? Infinity));
  const lastIndex = more ? Infinity : passed.findLastIndex((each) => !each.instead && !pausedBy(each));
  const starts = (room: number, instant: Instant, i: number): DueFiring | undefined => {
    const pause = pausedBy(instant);
    const instead = (outcome: 'skipped' | 'missed' | 'superseded', reason: string): DueFiring => ({
      ...instant,
      instead: { outcome, reason },
    });
    if (instant.instead) return instant;
    if (pause) return instead('skipped', `paused by ${pause.by}${pause.reason ? `: ${pause.reason}` : ''}`);
    if (!isLate(instant)) return instant;
    if (missed === 'none') return instead('missed', 'no controller ran, and missed is none');
    if (now - instant.due > milliseconds(within)) return instead('missed', `later than within: ${within}`);
    if (missed === 'last') return i < lastIndex ? instead('superseded', 'a later instant stands for it') : instant;
    return room > 0 ? { ...instant, isAlone: true } : undefined;
  };
  const firings: DueFiring[] = [];
  let { horizon } = cursor;
  for (const [i, instant] of passed.entries()) {
    const started = firings.filter((each) => !each.instead).length;
    const firing = starts(catchUp - waiting - started, instant, i);
    // The others follow when those that wait have begun.
    if (!firing) return { firings, cursor: { ...cursor, horizon }, next: now + 1000 };
    addTo(firings, firing);
    horizon = instant.due;
  }
  return { firings, cursor: { ...cursor, horizon }, next: more ? now : next };
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
