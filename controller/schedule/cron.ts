import { rejected } from '../lib/errors.ts';
import { didYouMean } from '../lib/suggest.ts';
import { type Field, fields, invalidPart, isAny, ordered, partsOf, quoted, readValue, readValues } from './fields.ts';
import { dayMs, minuteMs } from './wall.ts';

/** A cron expression: the wall times at which a schedule is due, without a zone. */
export interface Cron {
  readonly text: string;
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly months: readonly number[];
  readonly days: DaysOfMonth;
  readonly weekdays: Weekdays;
  /** The hour field begins with `*`: it means a rate, not a time of day. */
  readonly isFrequent: boolean;
}

export interface DaysOfMonth {
  readonly isAny: boolean;
  readonly numbers: readonly number[];
  /** Days counted from the end of the month: 0 is its last day (`L`), 3 is `L-3`. */
  readonly beforeLast: readonly number[];
  /** `LW`: the last day from Monday to Friday. */
  readonly lastWorkday: boolean;
}

export interface Weekdays {
  readonly isAny: boolean;
  /** 0 is Sunday. */
  readonly every: readonly number[];
  /** `mon#2` and `fri#L`. */
  readonly nth: readonly { readonly weekday: number; readonly nth: number | 'last' }[];
}

const nicknames: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
};
const longest = 500;
/** After so many days the calendar repeats itself: 400 years, which are a whole number of weeks. */
const calendarDays = 146_097;

/**
 * Reads five fields (minute, hour, day of the month, month, weekday) or a nickname such as `@daily`. A weekday range may
 * pass the end of the week (`fri-mon`). Throws a rejected error that names the field and the part.
 */
export function parseCron(text: string): Cron {
  if (text.length > longest)
    throw rejected(`a cron expression has at most ${longest} characters, this has ${text.length}`);
  const trimmed = text.trim();
  const parts = expanded(trimmed).split(/\s+/);
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = parts;
  if (trimmed === '' || parts.length !== 5) throw wrongCount(trimmed, trimmed === '' ? 0 : parts.length);
  const cron: Cron = {
    text: trimmed,
    minutes: numbersOf(fields.minute, minute),
    hours: numbersOf(fields.hour, hour),
    months: numbersOf(fields.month, month),
    days: daysOf(partsOf(fields.day, day)),
    weekdays: weekdaysOf(partsOf(fields.weekday, weekday)),
    isFrequent: /^[*?]/.test(hour),
  };
  if (nextDay(cron, 0) === Number.POSITIVE_INFINITY)
    throw rejected(
      `${quoted(trimmed)} is never due: no such day exists`,
      'check the day of the month against the month',
    );
  return cron;
}

/** What is probably not meant, for people. */
export function cronWarnings({ text, days, weekdays, months }: Cron): string[] {
  const warnings: string[] = [];
  if (!days.isAny && !weekdays.isAny)
    warnings.push(
      `"${text}" gives both a day of the month and a weekday: it runs on days that match either, not only on days that match both`,
    );
  const first = days.numbers[0] ?? 0;
  const fromEnd = days.beforeLast.length > 0 || days.lastWorkday;
  if (!days.isAny && weekdays.isAny && !fromEnd && months.some((month) => first > daysInMonth(2023, month)))
    warnings.push(`"${text}" does not run in months without a day ${first}; the last day of each month is L`);
  return warnings;
}

/** The first wall time from `from` on that matches, in milliseconds; Infinity if there is none in 400 years. */
export function nextWall(cron: Cron, from: number): number {
  const minute = Math.ceil(from / minuteMs);
  const day = Math.floor(minute / 1440);
  const near = nextDay(cron, day);
  const time = near === day ? nextTime(cron, minute - day * 1440) : undefined;
  if (time !== undefined) return day * dayMs + time * minuteMs;
  return (near === day ? nextDay(cron, day + 1) : near) * dayMs + (nextTime(cron, 0) ?? 0) * minuteMs;
}

/** The first day from `from` on that matches, in days since 1970; Infinity if there is none in 400 years. */
export function nextDay({ days, weekdays, months }: Cron, from: number): number {
  if (days.isAny && weekdays.isAny && months.length === 12) return from;
  for (let number = from; number < from + calendarDays; ) {
    const date = new Date(number * dayMs);
    const month = date.getUTCMonth() + 1;
    const day = date.getUTCDate();
    const last = daysInMonth(date.getUTCFullYear(), month);
    if (!months.includes(month)) number += last - day + 1;
    else if (matches(days, weekdays, { day, last, weekday: date.getUTCDay() })) return number;
    else number += 1;
  }
  return Number.POSITIVE_INFINITY;
}

interface Day {
  readonly day: number;
  /** The last day of its month. */
  readonly last: number;
  readonly weekday: number;
}

/** Two restricted fields are alternatives, as POSIX has it. */
function matches(days: DaysOfMonth, weekdays: Weekdays, date: Day): boolean {
  if (days.isAny) return weekdays.isAny || isWeekday(weekdays, date);
  return isDay(days, date) || (!weekdays.isAny && isWeekday(weekdays, date));
}

const isDay = ({ numbers, beforeLast, lastWorkday }: DaysOfMonth, date: Day): boolean =>
  numbers.includes(date.day) ||
  beforeLast.includes(date.last - date.day) ||
  (lastWorkday && date.day === lastWorkdayOf(date));

const isWeekday = ({ every, nth }: Weekdays, { day, last, weekday }: Day): boolean =>
  every.includes(weekday) ||
  nth.some(
    (each) => each.weekday === weekday && (each.nth === 'last' ? day + 7 > last : Math.ceil(day / 7) === each.nth),
  );

function lastWorkdayOf({ day, last, weekday }: Day): number {
  const lastWeekday = (weekday + last - day) % 7;
  return last - (lastWeekday === 6 ? 1 : lastWeekday === 0 ? 2 : 0);
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** The first time of day from a minute of the day on, in minutes after midnight. */
function nextTime({ hours, minutes }: Cron, from: number): number | undefined {
  for (const hour of hours) {
    const minute = minutes.find((each) => hour * 60 + each >= from);
    if (minute !== undefined) return hour * 60 + minute;
  }
  return undefined;
}

const numbersOf = (field: Field, text: string): number[] =>
  ordered(partsOf(field, text).flatMap((part) => readValues(field, part)));

function daysOf(parts: readonly string[]): DaysOfMonth {
  const special = parts.filter((part) => /^l/i.test(part));
  const beforeLast = special.flatMap((part) => {
    if (/^lw$/i.test(part)) return [];
    const back = /^l(?:-(\d{1,2}))?$/i.exec(part);
    if (back && Number(back[1] ?? 0) <= 30) return [Number(back[1] ?? 0)];
    throw invalidPart(fields.day, part, 'is not L, LW, or L-1 to L-30');
  });
  const isW = parts.find((part) => /^\d+w$/i.test(part));
  if (isW) throw invalidPart(fields.day, isW, 'is not supported', 'LW is the last day from Monday to Friday');
  return {
    isAny: parts.some(isAny),
    numbers: ordered(parts.filter((part) => !special.includes(part)).flatMap((part) => readValues(fields.day, part))),
    beforeLast: ordered(beforeLast),
    lastWorkday: special.some((part) => /^lw$/i.test(part)),
  };
}

function weekdaysOf(parts: readonly string[]): Weekdays {
  const lastOf = parts.find((part) => /^(\d|[a-z]{3})l$/i.test(part));
  if (lastOf) throw invalidPart(fields.weekday, lastOf, 'is not supported', `write ${lastOf.slice(0, -1)}#L`);
  const numbered = parts.filter((part) => part.includes('#'));
  return {
    isAny: parts.some(isAny),
    every: ordered(
      parts.filter((part) => !numbered.includes(part)).flatMap((part) => readValues(fields.weekday, part)),
    ),
    nth: numbered.map((part) => {
      const [weekday = '', nth = ''] = part.split('#', 2);
      if (!/^[^#]+#([1-5]|l)$/i.test(part)) throw invalidPart(fields.weekday, part, 'does not end with #1 to #5 or #L');
      return { weekday: readValue(fields.weekday, weekday) % 7, nth: /^l$/i.test(nth) ? 'last' : Number(nth) };
    }),
  };
}

function expanded(text: string): string {
  if (!text.startsWith('@')) return text;
  const full = Object.hasOwn(nicknames, text.toLowerCase()) ? nicknames[text.toLowerCase()] : undefined;
  if (full !== undefined) return full;
  const known = Object.keys(nicknames);
  throw rejected(`${quoted(text)} is not a schedule${didYouMean(text, known)}`, `allowed: ${known.join(', ')}`);
}

function wrongCount(text: string, count: number): Error {
  const hint =
    count > 5
      ? 'there are no seconds and no years: the shortest schedule is every minute'
      : 'for example "0 6 * * mon-fri"';
  const five = 'a cron expression has five fields: minute, hour, day of the month, month, weekday';
  return rejected(`${five}; ${quoted(text)} has ${count}`, hint);
}
