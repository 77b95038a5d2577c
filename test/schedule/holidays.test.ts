import { describe, expect, test } from 'vitest';
import { calendarSchema, type OnHoliday } from '../../controller/schedule/calendar.ts';
import { parseCron } from '../../controller/schedule/cron.ts';
import { type Instant, instantsBetween, nextInstants, type Schedule } from '../../controller/schedule/instants.ts';

const dayMs = 86_400_000;
const ms = (text: string): number => Date.parse(`${text}Z`);
const of = (text: string | readonly string[], zone: string, more: Omit<Schedule, 'crons' | 'zone'> = {}): Schedule => ({
  crons: [text].flat().map(parseCron),
  zone,
  ...more,
});
const line = ({ key, due, dropped }: Instant): string =>
  [key, new Date(due).toISOString().slice(5, 16), ...(dropped ? [dropped.outcome, dropped.reason] : [])].join(' ');
const lines = (schedule: Schedule, from: string, to: string): string[] =>
  instantsBetween(schedule, ms(from), ms(to), 1000).instants.map(line);

describe('on holidays', () => {
  const calendar = calendarSchema.parse({
    weekend: ['sat', 'sun'],
    holidays: { '2027-01-01..2027-01-08': 'New Year', '12-31': null },
  });
  const resting = (text: string, on: OnHoliday, zone = 'Europe/Moscow'): Schedule =>
    of(text, zone, { holidays: { calendar, on } });

  test('skip: an instant does not run, and says why', () => {
    expect(lines(resting('0 6 * * *', 'skip'), '2026-12-30T12:00', '2027-01-04T12:00')).toEqual([
      '2026-12-31T06:00 12-31T03:00 skipped holiday: 12-31',
      '2027-01-01T06:00 01-01T03:00 skipped holiday: New Year',
      '2027-01-02T06:00 01-02T03:00 skipped holiday: New Year',
      '2027-01-03T06:00 01-03T03:00 skipped holiday: New Year',
      '2027-01-04T06:00 01-04T03:00 skipped holiday: New Year',
    ]);
  });

  test('next-day: it is due at the same wall time of the next other day, under its own key', () => {
    // 2027-01-09 is a Saturday.
    expect(lines(resting('0 6 31 * *', 'next-day'), '2026-12-30T12:00', '2027-02-04T12:00')).toEqual([
      '2026-12-31T06:00 01-11T03:00',
      '2027-01-31T06:00 02-01T03:00',
    ]);
  });

  test('next-day: a server that starts in between still knows what is due', () => {
    expect(lines(resting('0 6 31 * *', 'next-day'), '2027-01-08T00:00', '2027-01-20T00:00')).toEqual([
      '2026-12-31T06:00 01-11T03:00',
    ]);
    expect(lines(resting('0 6 31 * *', 'next-day'), '2027-01-11T03:00', '2027-01-20T00:00')).toEqual([]);
  });

  test('next-day: in a zone whose date is not that of UTC, too', () => {
    // 2027-01-12T02:00 in UTC is the evening of the first working day in Los Angeles.
    const evening = resting('0 22 1 * *', 'next-day', 'America/Los_Angeles');
    expect(lines(evening, '2027-01-12T02:00', '2027-01-20T00:00')).toEqual(['2027-01-01T22:00 01-12T06:00']);
    const morning = resting('0 1 1 * *', 'next-day', 'Pacific/Kiritimati');
    expect(lines(morning, '2027-01-10T10:30', '2027-01-20T00:00')).toEqual(['2027-01-01T01:00 01-10T11:00']);
  });

  test('next-day: of several on one day and time, its own runs, else the first', () => {
    expect(lines(resting('0 6,7 * * *', 'next-day'), '2026-12-05T00:00', '2026-12-07T12:00')).toEqual([
      '2026-12-05T06:00 12-07T03:00 superseded 2026-12-07T06:00 is due at the same time',
      '2026-12-06T06:00 12-07T03:00 superseded 2026-12-07T06:00 is due at the same time',
      '2026-12-07T06:00 12-07T03:00',
      '2026-12-05T07:00 12-07T04:00 superseded 2026-12-07T07:00 is due at the same time',
      '2026-12-06T07:00 12-07T04:00 superseded 2026-12-07T07:00 is due at the same time',
      '2026-12-07T07:00 12-07T04:00',
    ]);
    expect(lines(resting('0 6 * * sat,sun', 'next-day'), '2026-12-05T00:00', '2026-12-07T12:00')).toEqual([
      '2026-12-05T06:00 12-07T03:00',
      '2026-12-06T06:00 12-07T03:00 superseded 2026-12-05T06:00 is due at the same time',
    ]);
  });

  test.each(['skip', 'next-day'] as const)('%s: any division of the time has the same instants', (on) => {
    const schedule = resting('30 1,2 * * *', on, 'America/New_York');
    const [from, to] = [ms('2026-12-20T00:00'), ms('2027-03-25T00:00')];
    const all = instantsBetween(schedule, from, to, 10_000).instants;
    expect(new Set(all.map(({ key }) => key)).size).toBe(all.length);
    const parts = Array.from({ length: (to - from) / dayMs }, (_, day) =>
      instantsBetween(schedule, from + day * dayMs, from + (day + 1) * dayMs, 3),
    );
    const pieces = parts.flatMap(({ instants: some, until }, day) => [
      ...some,
      ...instantsBetween(schedule, until, from + (day + 1) * dayMs, 1000).instants,
    ]);
    expect(pieces).toEqual(all);
    expect(all.map(({ due }) => due)).toEqual(all.map(({ due }) => due).sort((a, b) => a - b));
  });

  test('a month without another day is skipped, and the next instants are not sought for ever', () => {
    const never = calendarSchema.parse({ holidays: { '2000-01-01..9999-12-31': 'closed' } });
    const closed = of('0 6 * * *', 'UTC', { holidays: { calendar: never, on: 'next-day' } });
    expect(lines(closed, '2026-12-01T00:00', '2026-12-02T00:00')).toEqual([
      '2026-12-01T06:00 12-01T06:00 skipped holiday: closed',
    ]);
    expect(nextInstants({ ...closed, holidays: { calendar: never, on: 'skip' } }, ms('2026-12-01T00:00'), 1)).toEqual(
      [],
    );
  });
});
