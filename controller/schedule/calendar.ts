import { z } from 'zod';
import { weekdayNames } from './fields.ts';
import { dateOf, dayMs } from './wall.ts';

/** The days on which a schedule rests. */
export interface Calendar {
  /** 0 is Sunday. */
  readonly weekend: readonly number[];
  /** Names by date (`2026-01-01`) and by day of each year (`12-25`). */
  readonly days: ReadonlyMap<string, string>;
  /** From one date to another, or from one day of each year to another. */
  readonly ranges: readonly { readonly from: string; readonly until: string; readonly name: string }[];
}

/**
 * What an instant does on a holiday: it does not run, or it runs at the same wall time on the next other day. If there
 * is no other day in 31 days, it does not run.
 */
export type OnHoliday = 'skip' | 'next-day';

const isDate = (text: string): boolean => {
  const date = new Date(`${text}T00:00:00Z`);
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
};
// A leap year, so that 02-29 is a day.
const isYearly = (text: string): boolean => isDate(`2024-${text}`);
const when = z.string().refine((text) => {
  const [from = '', until, ...more] = text.split('..');
  if (until === undefined) return isDate(from) || isYearly(from);
  if (more.length > 0) return false;
  return (isDate(from) && isDate(until) && from <= until) || (isYearly(from) && isYearly(until));
}, 'must be a date such as 2026-01-01, a day of each year such as 12-25, or a range of either such as 12-31..01-08');
const weekday = z.enum(['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']);
/** A list is a map without names. */
const holidays = z
  .preprocess(
    (value) => (Array.isArray(value) ? Object.fromEntries(value.map((day) => [String(day), null])) : value),
    z.record(when, z.string().min(1).nullable()),
  )
  .transform((named) => Object.entries(named));

/** A calendar file as YAML reads it. */
export const calendarSchema = z
  .strictObject({
    weekend: z
      .array(weekday)
      .refine((days) => new Set(days).size < 7, 'must leave a working day')
      .default([])
      .describe('Days that are holidays in each week'),
    holidays: holidays
      .default([])
      .describe('Dates, ranges of dates, and days of each year: a list, or a map with a name for each'),
  })
  .transform(({ weekend, holidays: all }): Calendar => {
    const entries = all.map(([day, name]) => ({ day, name: name ?? day, limits: day.split('..') }));
    return {
      weekend: weekend.map((day) => weekday.options.indexOf(day)),
      days: new Map(entries.flatMap(({ day, name, limits }) => (limits.length === 1 ? [[day, name]] : []))),
      ranges: entries.flatMap(({ name, limits: [from = '', until] }) => (until ? [{ from, until, name }] : [])),
    };
  });

/** The name of the holiday on a local date such as `2026-01-01`: without a name, its line of the file or the weekday. */
export function holidayOn({ weekend, days, ranges }: Calendar, date: string): string | undefined {
  const named = days.get(date) ?? days.get(date.slice(5)) ?? ranges.find((range) => isWithin(range, date))?.name;
  if (named !== undefined) return named;
  const day = new Date(`${date}T00:00:00Z`).getUTCDay();
  return weekend.includes(day) ? weekdayNames[day] : undefined;
}

/** A range of days of each year may go over its end. */
function isWithin({ from, until }: Calendar['ranges'][number], date: string): boolean {
  const day = date.slice(-from.length);
  return from <= until ? from <= day && day <= until : day >= from || day <= until;
}

/** After so many holidays in a row, an instant waits no longer for another day. */
const mostHolidays = 31;

/** The same wall time on the first day after it that is no holiday; undefined if there is none in 31 days. */
export function nextWorkday(calendar: Calendar, wall: number): number | undefined {
  return otherDay(calendar, wall, 1);
}

/** The last day before a wall time that is no holiday, or 31 days before it. */
export function previousWorkday(calendar: Calendar, wall: number): number {
  return otherDay(calendar, wall, -1) ?? wall - mostHolidays * dayMs;
}

function otherDay(calendar: Calendar, wall: number, step: 1 | -1): number | undefined {
  for (let days = 1; days <= mostHolidays; days += 1) {
    const other = wall + step * days * dayMs;
    if (holidayOn(calendar, dateOf(other)) === undefined) return other;
  }
  return undefined;
}
