import { holidayOn } from './calendar.ts';
import type { Cron, DaysOfMonth, Weekdays } from './cron.ts';
import { monthNames, weekdayNames } from './fields.ts';
import { type Rule, rulesOf, type Schedule, wallsOf } from './instants.ts';
import { dateOf, toWall, wallText } from './wall.ts';
import type { Transition } from './zone.ts';

/** Schedules in plain English. */

/** `at 06:00 on Monday to Friday, Europe/Moscow`. Two expressions with the same sentence match the same wall times. */
export function describeCron(cron: Cron, zone: string): string {
  const { days, weekdays, months } = cron;
  const onDays = [...(days.isAny ? [] : [daysText(days)]), ...(weekdays.isAny ? [] : [weekdaysText(weekdays)])];
  // Two restricted fields are alternatives.
  const dayText = onDays.join(' or ');
  const monthText = months.length === 12 ? '' : `in ${runs(months, (n) => monthNames[n - 1] ?? '')}`;
  const everyDay = dayText === '' && timesOf(cron) !== undefined ? 'every day' : dayText;
  return `${[timeText(cron), everyDay, monthText].filter(Boolean).join(' ')}, ${zone}`;
}

/**
 * What a transition of the zone does to a schedule, such as `2027-03-14 02:30 does not exist in America/New_York: runs at
 * 03:00`; undefined when it changes nothing.
 */
export function describeTransition(schedule: Schedule, transition: Transition): string | undefined {
  const sentences = rulesOf(schedule).flatMap((rule) => ofTransition(rule, schedule, transition) ?? []);
  return sentences.length === 0 ? undefined : [...new Set(sentences)].join('; ');
}

function ofTransition(rule: Rule, schedule: Schedule, { at, before, after }: Transition): string | undefined {
  const { zone, holidays } = schedule;
  const [old, now] = [toWall(at, before), toWall(at, after)];
  const works = (wall: number): boolean => !holidays || holidayOn(holidays.calendar, dateOf(wall)) === undefined;
  const walls = [...wallsOf([{ cron: rule.cron, from: Math.min(old, now), to: Math.max(old, now) }])].filter(works);
  const [first] = walls;
  if (first === undefined) return undefined;
  const many = walls.length > 1;
  const times = `${shown(first)}${many ? rest(walls) : ''}`;
  if (now < old) {
    const when = { first: 'at the first', both: 'both times', last: 'at the last' }[rule.fold];
    return `${times} ${many ? 'occur' : 'occurs'} twice in ${zone}: ${many ? 'run' : 'runs'} ${when}`;
  }
  const missing = `${times} ${many ? 'do' : 'does'} not exist in ${zone}`;
  if (rule.gap === 'skip') return `${missing}: ${many ? 'do' : 'does'} not run`;
  const end = dateOf(now) === dateOf(first) ? shown(now).slice(11) : shown(now);
  return `${missing}: ${many ? 'run once,' : 'runs'} at ${end}`;
}

const shown = (wall: number): string => wallText(wall).replace('T', ' ');

/** The further wall times: all up to four, else the last and the number of all. */
function rest(walls: readonly number[]): string {
  const date = dateOf(walls[0] ?? 0);
  const texts = walls.map((wall) => (dateOf(wall) === date ? shown(wall).slice(11) : shown(wall)));
  if (texts.length > 4) return ` to ${texts.at(-1)} (${texts.length} times)`;
  return [...texts.slice(1, -1).map((text) => `, ${text}`), ` and ${texts.at(-1)}`].join('');
}

/** The times of day when they are few and no rate says them better. */
function timesOf({ hours, minutes }: Cron): string[] | undefined {
  if (hours.length === 24 || hours.length * minutes.length > 6) return undefined;
  return hours.flatMap((hour) => minutes.map((minute) => `${two(hour)}:${two(minute)}`));
}

function timeText(cron: Cron): string {
  const { hours, minutes } = cron;
  const times = timesOf(cron);
  if (times) return `at ${list(times)}`;
  const everyHours = rateOf(hours, 24);
  const everyMinutes = rateOf(minutes, 60);
  if (everyHours === 1 && everyMinutes !== undefined)
    return everyMinutes === 1 ? 'every minute' : `every ${everyMinutes} minutes`;
  const minuteText = everyMinutes === 1 ? 'every minute' : `at ${named('minute', minutes)}`;
  if (everyHours !== undefined)
    return `${minuteText} of every ${everyHours === 1 ? 'hour' : `${ordinal(everyHours)} hour`}`;
  return `${minuteText} of ${named('hour', hours)}`;
}

/** The step of values that are evenly spread over all of a field, from 0 on. */
function rateOf(values: readonly number[], size: number): number | undefined {
  const step = size / values.length;
  return values.every((value, i) => value === i * step) && values.length > 1 ? step : undefined;
}

function daysText({ numbers, beforeLast, lastWorkday }: DaysOfMonth): string {
  const last = beforeLast.map((n) =>
    n === 0 ? 'the last day' : `the ${n === 1 ? 'day' : `${ordinal(n)} day`} before the last day`,
  );
  const all = [
    ...(numbers.length > 0 ? [named('day', numbers)] : []),
    ...last,
    ...(lastWorkday ? ['the last day from Monday to Friday'] : []),
  ];
  return `on ${list(all)} of the month`;
}

function weekdaysText({ every, nth }: Weekdays): string {
  // A week is read from Monday to Sunday.
  const fromMonday = every.map((day) => (day === 0 ? 7 : day)).sort((a, b) => a - b);
  const names = (n: number): string => weekdayNames[n % 7] ?? '';
  const numbered = nth.map(
    (each) => `the ${each.nth === 'last' ? 'last' : ordinal(each.nth)} ${names(each.weekday)} of the month`,
  );
  return `on ${list([...(every.length > 0 ? [runs(fromMonday, names)] : []), ...numbered])}`;
}

const two = (n: number): string => String(n).padStart(2, '0');

function ordinal(n: number): string {
  const words = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth'];
  const ending = n % 100 > 10 && n % 100 < 14 ? 'th' : ({ 1: 'st', 2: 'nd', 3: 'rd' }[n % 10] ?? 'th');
  return words[n - 1] ?? `${n}${ending}`;
}

/** `a`, `a and b`, `a, b and c`. */
const list = (texts: readonly string[]): string =>
  texts.length < 2 ? texts.join('') : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`;

/** `day 1`, `days 1, 15 and 20 to 25`. */
const named = (name: string, values: readonly number[]): string =>
  `${name}${values.length > 1 ? 's' : ''} ${runs(values, String)}`;

/** Values in order, three or more in a row as `a to c`. */
function runs(values: readonly number[], text: (value: number) => string): string {
  const parts: number[][] = [];
  for (const value of values) {
    const open = parts.at(-1);
    if (open && open.at(-1) === value - 1) open.push(value);
    else parts.push([value]);
  }
  return list(
    parts.flatMap((part) =>
      part.length < 3 ? part.map(text) : [`${text(part[0] as number)} to ${text(part.at(-1) as number)}`],
    ),
  );
}
