import { type Calendar, holidayOn, nextWorkday, type OnHoliday, previousWorkday } from './calendar.ts';
import { type Cron, nextDay, nextWall } from './cron.ts';
import { dateOf, dayMs, minuteMs, toWall, wallText } from './wall.ts';
import { firstAt, type Stretch, stretchesOf } from './zone.ts';

/** When something is due. Several expressions make one schedule; an instant that two of them have is one. */
export interface Schedule {
  readonly crons: readonly Cron[];
  /** A name that `checkZone` has accepted. */
  readonly zone: string;
  readonly dst?: Dst | undefined;
  readonly holidays?: { readonly calendar: Calendar; readonly on: OnHoliday } | undefined;
}

/** What happens when clocks change. A rule that is left out depends on the expression: see `rulesOf`. */
export interface Dst {
  /** A wall time that does not exist is due at the end of the gap, or not at all. */
  readonly gap?: 'after' | 'skip' | undefined;
  /** A wall time that occurs twice is due the first time, both times, or the last time. */
  readonly fold?: 'first' | 'both' | 'last' | undefined;
}

/** A nominal instant of a schedule: each has one row in the ledger. */
export interface Instant {
  /**
   * The wall time that the expression names, such as `2026-11-01T01:30`; its second occurrence ends with `#2`. It is
   * unique within a schedule, and the same on servers whose time zone databases differ.
   */
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly due: number;
  /** Why this instant starts no run. */
  readonly dropped?: { readonly outcome: 'skipped' | 'superseded'; readonly reason: string };
  /** It waits for a day that is no holiday. */
  readonly isMoved?: true;
}

/** An expression with what happens to it when clocks change. */
export interface Rule {
  readonly cron: Cron;
  readonly gap: 'after' | 'skip';
  readonly fold: 'first' | 'both' | 'last';
}

/** An expression with a rate keeps it: it skips gaps and is due both times. One with a time of day is due once a day. */
export const rulesOf = ({ crons, dst }: Pick<Schedule, 'crons' | 'dst'>): Rule[] =>
  crons.map((cron) => ({
    cron,
    gap: dst?.gap ?? (cron.isFrequent ? 'skip' : 'after'),
    fold: dst?.fold ?? (cron.isFrequent ? 'both' : 'first'),
  }));

/** The years 1 to 9999, whose keys sort as texts, in days since 1970 and without the days at both ends. */
const firstDay = Date.parse('0001-01-03T00:00:00Z') / dayMs;
const lastDay = Date.parse('9999-12-29T00:00:00Z') / dayMs;
/** `nextInstants` gives up when a calendar lets nothing through in a hundred years, or in so many instants. */
const farMs = 36_525 * dayMs;
const mostDropped = 100_000;

/** All instants after a time (milliseconds since 1970), in the order in which they are due. Endless up to the year 9999. */
export function* instants(schedule: Schedule, from: number): Generator<Instant> {
  let sameDue: Candidate[] = [];
  for (const candidate of candidatesOf(schedule, from)) {
    const ended = sameDue[0] && sameDue[0].due !== candidate.due;
    if (ended) yield* decided(sameDue);
    sameDue = ended ? [candidate] : [...sameDue, candidate];
    // An exact one is the last of its due time: there is no need to look for another.
    if (candidate.isExact) {
      yield* decided(sameDue);
      sameDue = [];
    }
  }
  yield* decided(sameDue);
}

/** The next instants that start a run, at most `count`, after a time in milliseconds since 1970. */
export function nextInstants(schedule: Schedule, after: number, count: number): Instant[] {
  const found: Instant[] = [];
  let dropped = 0;
  if (count < 1) return found;
  for (const instant of instants(schedule, after)) {
    if (instant.due > after + farMs || dropped >= mostDropped) break;
    if (instant.dropped) dropped += 1;
    else if (found.push(instant) >= count) break;
  }
  return found;
}

/**
 * All instants after `from` and up to `to`, both in milliseconds since 1970, but about `cap` at most. They are complete up
 * to `until`, from which the next call goes on. Instants of one due time stay together and may exceed the cap.
 */
export function instantsBetween(
  schedule: Schedule,
  from: number,
  to: number,
  cap: number,
): { readonly instants: readonly Instant[]; readonly until: number } {
  const found: Instant[] = [];
  for (const instant of instants(schedule, from)) {
    if (instant.due > to) break;
    const last = found.at(-1);
    if (last && found.length >= cap && instant.due !== last.due) return { instants: found, until: last.due };
    found.push(instant);
  }
  return { instants: found, until: Math.max(from, to) };
}

/** An instant before it is compared with the others of its due time. */
interface Candidate extends Instant {
  readonly wall: number;
  /** Clocks show this wall time when it is due. */
  readonly isExact: boolean;
}

/** Of the instants of one due time, one starts a run: the one whose wall time it is, else the first. */
function* decided(sameDue: readonly Candidate[]): Generator<Instant> {
  const live = sameDue.filter(({ dropped }) => !dropped);
  const winner = live.find(({ isExact }) => isExact) ?? live[0];
  for (const candidate of sameDue) {
    const { key, due, dropped, isMoved } = candidate;
    const instant = { key, due, ...(isMoved && { isMoved }) };
    if (dropped) yield { ...instant, dropped };
    else if (candidate === winner) yield instant;
    else yield { ...instant, dropped: { outcome: 'superseded', reason: `${winner?.key} is due at the same time` } };
  }
}

function* candidatesOf(schedule: Schedule, from: number): Generator<Candidate> {
  if (Number.isNaN(from)) throw new RangeError('not a time');
  const start = Math.max(from, firstDay * dayMs);
  const { holidays } = schedule;
  if (!holidays) yield* nominal(schedule, start);
  else if (holidays.on === 'skip') {
    for (const each of nominal(schedule, start)) yield { ...each, ...skipped(holidays.calendar, each.wall) };
  } else yield* moved(schedule, holidays.calendar, start);
}

function skipped(calendar: Calendar, wall: number): Pick<Instant, 'dropped'> {
  const name = holidayOn(calendar, dateOf(wall));
  return name === undefined ? {} : { dropped: { outcome: 'skipped', reason: `holiday: ${name}` } };
}

/** Instants on holidays wait for the next other day. Those of the days before `from` may still be due after it. */
function* moved(schedule: Schedule, calendar: Calendar, from: number): Generator<Candidate> {
  const waiting: Candidate[] = [];
  // Nothing waits over a day that is no holiday. Two days more, as `from` is no local date.
  const nominalFrom = Math.max(previousWorkday(calendar, from - 2 * dayMs) - 2 * dayMs, firstDay * dayMs);
  let day = dayOff(calendar, nominalFrom);
  for (const each of nominal(schedule, nominalFrom)) {
    while (waiting[0] && waiting[0].due <= each.due) yield waiting.shift() as Candidate;
    if (day.date !== dateOf(each.wall)) day = dayOff(calendar, each.wall);
    const due = day.waitsMs === 0 ? each.due : firstAt(schedule.zone, each.wall + day.waitsMs);
    if (due <= from) continue;
    if (day.waitsMs === 0) yield day.dropped ? { ...each, dropped: day.dropped } : each;
    else {
      waiting.push({ ...each, due, isExact: false, isMoved: true });
      waiting.sort((a, b) => a.due - b.due);
    }
  }
  yield* waiting;
}

/** How long the instants of a date wait for a day that is no holiday; they are skipped if there is none. */
function dayOff(calendar: Calendar, wall: number): Pick<Candidate, 'dropped'> & { date: string; waitsMs: number } {
  const date = dateOf(wall);
  const { dropped } = skipped(calendar, wall);
  const next = dropped && nextWorkday(calendar, wall);
  if (next !== undefined) return { date, waitsMs: next - wall };
  return { date, waitsMs: 0, ...(dropped && { dropped }) };
}

/** The instants of the expressions by the clocks of the zone alone. */
function* nominal(schedule: Schedule, from: number): Generator<Candidate> {
  const rules = rulesOf(schedule);
  for (let day = Math.floor(from / dayMs); ; day += 1) {
    // A UTC day has parts of three local days at most. Days without a match are passed over.
    const next = Math.min(...rules.map(({ cron }) => nextDay(cron, day - 1)));
    day = Math.max(day, next - 1);
    if (day > lastDay) return;
    for (const stretch of stretchesOf(schedule.zone, day)) yield* ofStretch(rules, stretch, from);
  }
}

function* ofStretch(rules: readonly Rule[], stretch: Stretch, from: number): Generator<Candidate> {
  const { start, end, offset, entered, repeatedUntil, repeatedFrom } = stretch;
  if (end <= from) return;
  if (entered && start > from) {
    const after = rules.filter(({ gap }) => gap === 'after');
    const gap = { from: toWall(start, entered.before), to: toWall(start, entered.after) };
    for (const wall of wallsOf(after.map(({ cron }) => ({ cron, ...gap }))))
      yield { key: wallText(wall), wall, due: start, isExact: false };
  }
  const first = toWall(Math.max(start, from + 1), offset);
  const last = toWall(end, offset);
  const spans = rules.map(({ cron, fold }) => ({
    cron,
    from: fold === 'first' ? Math.max(first, repeatedUntil) : first,
    to: fold === 'last' ? Math.min(last, repeatedFrom) : last,
  }));
  for (const wall of wallsOf(spans)) {
    const key = wall < repeatedUntil ? `${wallText(wall)}#2` : wallText(wall);
    yield { key, wall, due: toWall(wall, -offset), isExact: true };
  }
}

/** A part of the wall times of an expression; `to` is not included. */
export interface Span {
  readonly cron: Cron;
  readonly from: number;
  readonly to: number;
}

/** The matching wall times of several spans, each once and in order. */
export function* wallsOf(spans: readonly Span[]): Generator<number> {
  for (let from = Number.NEGATIVE_INFINITY; ; ) {
    const wall = Math.min(
      ...spans.map((span) => {
        const next = nextWall(span.cron, Math.max(from, span.from));
        return next < span.to ? next : Number.POSITIVE_INFINITY;
      }),
    );
    if (wall === Number.POSITIVE_INFINITY) return;
    yield wall;
    from = wall + minuteMs;
  }
}
