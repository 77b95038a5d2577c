/**
 * The instants of cron expressions by looking at the clocks of a zone at every minute. It shares no code with
 * `controller/schedule/` and knows nothing of offsets.
 */

export const minuteMs = 60_000;
export const dayMs = 86_400_000;

export interface Variant {
  readonly text: string;
  readonly gap?: 'after' | 'skip';
  readonly fold?: 'first' | 'both' | 'last';
}

/** What the clocks of a zone show at a time, as if it were UTC, in milliseconds. */
export function clockOf(zone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone: zone, hourCycle: 'h23', year: 'numeric' },
    ...{ month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' },
  });
  return (at) => {
    const text = format.format(at);
    const number = (from: number, to: number): number => Number(text.slice(from, to));
    return Date.UTC(number(6, 10), number(0, 2) - 1, number(3, 5), number(12, 14), number(15, 17));
  };
}

/** The clocks of a zone at each minute of a time. */
export interface Walk {
  readonly start: number;
  readonly walls: Float64Array;
  readonly minuteOfDay: Uint16Array;
  /** 1: this wall time was there before. 2: it comes again. */
  readonly repeated: Uint8Array;
  /** The wall times that no clock showed, by the minute after them. */
  readonly gaps: ReadonlyMap<number, readonly number[]>;
}

export function walk(zone: string, start: number, end: number, clock = clockOf(zone)): Walk {
  const size = Math.floor((end - start) / minuteMs) + 1;
  const walls = new Float64Array(size);
  const repeated = new Uint8Array(size);
  const gaps = new Map<number, number[]>();
  const shownAt = new Map<number, number>();
  for (let i = 0; i < size; i += 1) {
    const wall = clock(start + i * minuteMs);
    walls[i] = wall;
    const earlier = shownAt.get(wall);
    if (earlier !== undefined) {
      repeated[earlier] = 2;
      repeated[i] = 1;
    }
    shownAt.set(wall, i);
    const before = walls[i - 1] ?? wall;
    if (wall - before > minuteMs)
      gaps.set(
        i,
        Array.from({ length: (wall - before) / minuteMs - 1 }, (_, n) => before + (n + 1) * minuteMs),
      );
  }
  return { start, walls, minuteOfDay: Uint16Array.from(walls, (wall) => (wall % dayMs) / minuteMs), repeated, gaps };
}

/** An expression, ready for many walks. */
export interface Matcher {
  readonly times: Uint8Array;
  readonly isDay: (wall: number) => boolean;
  readonly gap: 'after' | 'skip';
  readonly fold: 'first' | 'both' | 'last';
}

export function matcherOf({ text, gap, fold }: Variant): Matcher {
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = numeric(text).split(' ');
  const times = Uint8Array.from({ length: 1440 }, (_, time) =>
    Number(has(minute, time % 60, 0) && has(hour, Math.floor(time / 60), 0)),
  );
  const known = new Map<number, boolean>();
  const isDay = (wall: number): boolean => {
    const number = Math.floor(wall / dayMs);
    const answer = known.get(number) ?? isOn(new Date(number * dayMs), { day, month, weekday });
    known.set(number, answer);
    return answer;
  };
  const isRate = hour.startsWith('*');
  return { times, isDay, gap: gap ?? (isRate ? 'skip' : 'after'), fold: fold ?? (isRate ? 'both' : 'first') };
}

/** The instants of a walk after `from`, each as `KEY DUE`, with ` superseded` if another starts the run. */
export function expected({ times, isDay, gap, fold }: Matcher, seen: Walk, from: number): string[] {
  const { start, walls, minuteOfDay, repeated, gaps } = seen;
  const found: string[] = [];
  const first = Math.max(0, Math.floor((from - start) / minuteMs) + 1);
  for (let i = first; i < walls.length; i += 1) {
    const missing = gap === 'after' && gaps.size > 0 ? gaps.get(i) : undefined;
    const matches = times[minuteOfDay[i] as number] === 1;
    if (!matches && !missing) continue;
    const wall = walls[i] as number;
    const isDue =
      matches && isDay(wall) && !(fold === 'first' && repeated[i] === 1) && !(fold === 'last' && repeated[i] === 2);
    const due = start + i * minuteMs;
    const late = missing?.filter((each) => times[(each % dayMs) / minuteMs] === 1 && isDay(each)) ?? [];
    for (const [n, each] of late.entries()) found.push(`${keyOf(each)} ${due}${isDue || n > 0 ? ' superseded' : ''}`);
    if (isDue) found.push(`${keyOf(wall)}${repeated[i] === 1 ? '#2' : ''} ${due}`);
  }
  return found;
}

const keyOf = (wall: number): string => new Date(wall).toISOString().slice(0, 16);

const nicknames: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
};
const names = 'sun mon tue wed thu fri sat'.split(' ');
const months = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');

const numeric = (text: string): string =>
  (nicknames[text] ?? text)
    .replaceAll('?', '*')
    .replace(/[a-z]{3}/g, (name) => String(months.includes(name) ? months.indexOf(name) + 1 : names.indexOf(name)));

/** Whether a list of numbers, ranges and steps has a value; ranges of weekdays go round. */
function has(list: string, value: number, least: number): boolean {
  return list.split(',').some((part) => {
    const [range = '', step = '1'] = part.split('/');
    const [from = '', to] = range === '*' ? [String(least), '99'] : range.split('-');
    const until = Number(to ?? (part.includes('/') ? 99 : from));
    const isWeekday = least < 0;
    const start = isWeekday && range === '*' ? 0 : Number(from);
    const candidates = isWeekday ? [value, value + 7, value + 14].slice(0, until > 90 ? 1 : 3) : [value];
    const end = until < start ? until + 7 : until;
    return candidates.some((each) => each >= start && each <= end && (each - start) % Number(step) === 0);
  });
}

function isOn(date: Date, { day, month, weekday }: { day: string; month: string; weekday: string }): boolean {
  if (!has(month, date.getUTCMonth() + 1, 1)) return false;
  const sameMonth = (days: number): boolean => new Date(+date + days * dayMs).getUTCMonth() === date.getUTCMonth();
  const left = Array.from({ length: 31 }, (_, n) => n).filter((n) => n > 0 && sameMonth(n)).length;
  const isWorkday = (n: number): boolean => ![0, 6].includes(new Date(+date + n * dayMs).getUTCDay());
  const laterWorkday = Array.from({ length: left }, (_, n) => n + 1).some(isWorkday);
  const onDay = day.split(',').some((part) => {
    if (part === 'LW') return isWorkday(0) && !laterWorkday;
    if (part.startsWith('L')) return left === Number(part.slice(2));
    return has(part, date.getUTCDate(), 1);
  });
  const onWeekday = weekday.split(',').some((part) => {
    const [name = '', nth] = part.split('#');
    const earlier = Array.from({ length: 4 }, (_, n) => (n + 1) * 7).filter(
      (n) => sameMonth(-n) && n < date.getUTCDate(),
    );
    const counts = nth === undefined || (nth === 'L' ? left < 7 : earlier.length + 1 === Number(nth));
    return counts && has(name, date.getUTCDay(), -1);
  });
  if (day === '*') return onWeekday;
  return weekday === '*' ? onDay : onDay || onWeekday;
}
