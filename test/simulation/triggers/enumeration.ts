import { clockOf, dayMs, expected, matcherOf, minuteMs, type Walk, walk } from '../../schedule/oracle.ts';
import type { Fields } from './definitions.ts';

/** The nominal instants of a trigger, found without the code that schedules. */

export interface Nominal {
  readonly key: string;
  /** Without jitter. Milliseconds since 1970. */
  readonly at: number;
  /** Whether it starts a run, as far as its definition determines that. */
  readonly starts: 'yes' | 'no' | 'maybe';
}

/** The time in which worlds are. Milliseconds since 1970. */
export const earliest = Date.parse('2026-01-01T00:00:00Z');
export const latest = Date.parse('2027-03-20T00:00:00Z');
const quarterMs = 15 * minuteMs;
const walks = new Map<string, Walk>();

/** All offsets of today's zones change at quarters of an hour. */
function walkOf(zone: string): Walk {
  const exact = clockOf(zone);
  let quarter = { at: 0, wall: 0 };
  const clock = (at: number): number => {
    const start = at - (at % quarterMs);
    if (quarter.at !== start) quarter = { at: start, wall: exact(start) };
    return quarter.wall + at - start;
  };
  const made = walks.get(zone) ?? walk(zone, earliest - 40 * dayMs, latest, clock);
  walks.set(zone, made);
  return made;
}

/** The part of a walk after `from` and up to `to`. */
function part(whole: Walk, from: number, to: number): Walk {
  const first = Math.max(0, Math.floor((from - whole.start) / minuteMs));
  const last = Math.floor((to - whole.start) / minuteMs) + 1;
  const gaps = [...whole.gaps].flatMap(([i, walls]): [number, readonly number[]][] =>
    i >= first && i < last ? [[i - first, walls]] : [],
  );
  return {
    start: whole.start + first * minuteMs,
    walls: whole.walls.subarray(first, last),
    minuteOfDay: whole.minuteOfDay.subarray(first, last),
    repeated: whole.repeated.subarray(first, last),
    gaps: new Map(gaps),
  };
}

const lengths: Readonly<Record<string, number>> = { m: minuteMs, h: 60 * minuteMs, d: dayMs };
export const lengthOf = (text: string): number => Number(text.slice(0, -1)) * (lengths[text.slice(-1)] ?? Number.NaN);

/** The instants after `from` and up to `to`, by time. */
export function nominals(fields: Fields, armed: number, from: number, to: number): Nominal[] {
  if (fields.every !== undefined) return intervals(fields, armed, from, to);
  const { schedule = '', zone = '', dst, calendar, until = '9999-12-31' } = fields;
  const whole = walkOf(zone);
  // An instant may wait over holidays.
  const before = from - (calendar?.on === 'next-day' ? 10 * dayMs : 0);
  const days = new Set(
    calendar?.content.weekend.map((day) => ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'].indexOf(day)),
  );
  const isHoliday = (wall: number): boolean =>
    days.has(new Date(wall).getUTCDay()) ||
    calendar?.content.holidays.includes(new Date(wall).toISOString().slice(0, 10)) === true;
  const found = expected(matcherOf({ text: schedule, ...dst }), part(whole, before, to), before).map(
    (line): Nominal => {
      const [key = '', due = '', superseded] = line.split(' ');
      const wall = Date.parse(`${key.slice(0, 16)}Z`);
      const nominal = { key: `${key} ${zone}`, at: Number(due) };
      if (!calendar || !isHoliday(wall)) return { ...nominal, starts: superseded ? 'no' : calendar ? 'maybe' : 'yes' };
      if (calendar.on === 'skip') return { ...nominal, starts: 'no' };
      let waits = 1;
      while (isHoliday(wall + waits * dayMs)) waits += 1;
      return { ...nominal, at: firstShowing(whole, wall + waits * dayMs), starts: 'maybe' };
    },
  );
  return found.filter(({ key, at }) => at > from && at <= to && key.slice(0, 10) <= until).sort((a, b) => a.at - b.at);
}

/** When the clocks of a walk show a wall time, or the first later one. */
function firstShowing({ start, walls }: Walk, wall: number): number {
  // No zone is farther than 15 hours from UTC.
  let i = Math.max(0, Math.floor((wall - 15 * 60 * minuteMs - start) / minuteMs));
  while ((walls[i] ?? Number.POSITIVE_INFINITY) < wall) i += 1;
  return start + i * minuteMs;
}

function intervals({ every = '', from }: Fields, armed: number, after: number, to: number): Nominal[] {
  const found: Nominal[] = [];
  const base = from === undefined ? armed : Date.parse(from);
  const length = lengthOf(every);
  for (let at = base + Math.max(0, Math.floor((after - base) / length)) * length; at <= to; at += length)
    if (at > after && (from !== undefined || at > base))
      found.push({ key: new Date(at).toISOString(), at, starts: 'yes' });
  return found;
}
