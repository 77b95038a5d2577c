import { milliseconds } from '../../lib/duration.ts';
import { calendarSchema } from '../../schedule/calendar.ts';
import { parseCron } from '../../schedule/cron.ts';
import { type Dst, instants, type Schedule } from '../../schedule/instants.ts';
import { checkZone } from '../../schedule/zone.ts';
import type { Instant } from '../firing.ts';

/** The fields of a cron trigger that determine its instants. */
export interface CronFields {
  readonly schedule: string | readonly string[];
  readonly zone: string;
  readonly dst?: Dst | undefined;
  readonly calendar?: { readonly on: 'skip' | 'next-day'; readonly content?: unknown } | undefined;
  readonly from?: string | undefined;
  readonly until?: string | undefined;
}

/** The fields of an interval that determine its instants. */
export interface IntervalFields {
  readonly every: string;
  readonly from?: string | undefined;
}

export const cronsOf = ({ schedule }: Pick<CronFields, 'schedule'>): string[] => [schedule].flat();

const schedules = new WeakMap<CronFields, Schedule>();

/** The schedule of a trigger, which is read once. */
export function scheduleOf(fields: CronFields): Schedule {
  const known = schedules.get(fields);
  if (known) return known;
  const { zone, dst, calendar } = fields;
  const holidays = calendar && { calendar: calendarSchema.parse(calendar.content), on: calendar.on };
  const schedule = { crons: cronsOf(fields).map(parseCron), zone: checkZone(zone), dst, holidays };
  schedules.set(fields, schedule);
  return schedule;
}

export function* cronInstants(fields: CronFields, after: number): Generator<Instant> {
  const { zone, from = '', until = '9999-12-31' } = fields;
  for (const { key, due, dropped, isMoved } of instants(scheduleOf(fields), after)) {
    const date = key.slice(0, 10);
    if (date > until) return;
    if (date >= from)
      yield {
        key: `${key} ${zone}`,
        due,
        time: key.slice(0, 16),
        ...(dropped && { instead: dropped }),
        ...(isMoved && { isMoved }),
      };
  }
}

export function* intervalInstants({ every, from }: IntervalFields, after: number, armed: number): Generator<Instant> {
  const length = milliseconds(every);
  const base = from === undefined ? armed : Date.parse(from);
  for (let n = Math.max(0, Math.floor((after - base) / length) + 1); ; n++) {
    const due = base + n * length;
    yield { key: new Date(due).toISOString(), due };
  }
}

/** The instants of a stored definition, of whichever kind the trigger was. */
export const storedInstants = (definition: unknown, after: number, armed: number): Iterable<Instant> =>
  (definition as Partial<IntervalFields>).every === undefined
    ? cronInstants(definition as CronFields, after)
    : intervalInstants(definition as IntervalFields, after, armed);
