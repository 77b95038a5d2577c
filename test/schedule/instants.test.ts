import { describe, expect, test } from 'vitest';
import { parseCron } from '../../controller/schedule/cron.ts';
import {
  type Dst,
  type Instant,
  instants,
  instantsBetween,
  nextInstants,
  type Schedule,
} from '../../controller/schedule/instants.ts';

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

const gapDay = ['2026-03-08T05:00', '2026-03-09T04:00'] as const;
const foldDay = ['2026-11-01T04:00', '2026-11-02T05:00'] as const;

describe('at a gap', () => {
  test.each([
    ['30 2 * * *', {}, ['2026-03-08T02:30 03-08T07:00']],
    ['30 2 * * *', { gap: 'skip' }, []],
    [
      '0 2,3 * * *',
      {},
      [
        '2026-03-08T02:00 03-08T07:00 superseded 2026-03-08T03:00 is due at the same time',
        '2026-03-08T03:00 03-08T07:00',
      ],
    ],
    [
      '15,45 2 * * *',
      {},
      [
        '2026-03-08T02:15 03-08T07:00',
        '2026-03-08T02:45 03-08T07:00 superseded 2026-03-08T02:15 is due at the same time',
      ],
    ],
    ['30 1-3/2 * * *', {}, ['2026-03-08T01:30 03-08T06:30', '2026-03-08T03:30 03-08T07:30']],
    ['0 */2 * * 0', { gap: 'after' }, ['2026-03-08T02:00 03-08T07:00']],
  ] satisfies [string, Dst, string[]][])('%s with %j', (text, dst, expected) => {
    expect(lines(of(text, 'America/New_York', { dst }), ...gapDay).filter((each) => / 03-08T0[67]/.test(each))).toEqual(
      expected,
    );
  });

  test('a rate skips it, and keeps its pace', () => {
    expect(lines(of('*/30 * * * *', 'America/New_York'), '2026-03-08T06:00', '2026-03-08T07:30')).toEqual([
      '2026-03-08T01:30 03-08T06:30',
      '2026-03-08T03:00 03-08T07:00',
      '2026-03-08T03:30 03-08T07:30',
    ]);
  });

  test('of a whole day runs once at its end', () => {
    expect(lines(of('0 9,17 * * *', 'Pacific/Apia'), '2011-12-30T00:00', '2011-12-31T00:00')).toEqual([
      '2011-12-29T17:00 12-30T03:00',
      '2011-12-30T09:00 12-30T10:00',
      '2011-12-30T17:00 12-30T10:00 superseded 2011-12-30T09:00 is due at the same time',
      '2011-12-31T09:00 12-30T19:00',
    ]);
  });
});

describe('at a fold', () => {
  test.each([
    ['30 1 * * *', {}, ['2026-11-01T01:30 11-01T05:30']],
    ['30 1 * * *', { fold: 'last' }, ['2026-11-01T01:30#2 11-01T06:30']],
    ['30 1 * * *', { fold: 'both' }, ['2026-11-01T01:30 11-01T05:30', '2026-11-01T01:30#2 11-01T06:30']],
    ['0 1-2 * * *', {}, ['2026-11-01T01:00 11-01T05:00', '2026-11-01T02:00 11-01T07:00']],
    ['30 * * * *', { fold: 'first' }, ['2026-11-01T01:30 11-01T05:30', '2026-11-01T02:30 11-01T07:30']],
    [
      '30 * * * *',
      {},
      ['2026-11-01T01:30 11-01T05:30', '2026-11-01T01:30#2 11-01T06:30', '2026-11-01T02:30 11-01T07:30'],
    ],
    ['@hourly', {}, ['2026-11-01T01:00 11-01T05:00', '2026-11-01T01:00#2 11-01T06:00', '2026-11-01T02:00 11-01T07:00']],
  ] satisfies [string, Dst, string[]][])('%s with %j', (text, dst, expected) => {
    expect(
      lines(of(text, 'America/New_York', { dst }), ...foldDay).filter((each) => /T0[12]:\d\d(#2)? /.test(each)),
    ).toEqual(expected);
  });

  test('of a whole day keeps the last of each wall time', () => {
    // Alaska changed sides of the date line, and had a day twice.
    expect(
      lines(of('0 12 * * *', 'America/Juneau', { dst: { fold: 'last' } }), '1867-10-17T12:00', '1867-10-21T00:00'),
    ).toEqual(['1867-10-18T12:00 10-17T20:57', '1867-10-19T12:00#2 10-19T20:57', '1867-10-20T12:00 10-20T20:57']);
  });

  test('over midnight, the day before comes again and keeps the order of time', () => {
    expect(
      lines(of('30 23,0 * * *', 'America/St_Johns', { dst: { fold: 'both' } }), '2010-11-07T01:00', '2010-11-07T05:00'),
    ).toEqual(['2010-11-06T23:30 11-07T02:00', '2010-11-06T23:30#2 11-07T03:00', '2010-11-07T00:30 11-07T04:00']);
  });
});

describe('several expressions', () => {
  test('are one schedule, and an instant that two have is one', () => {
    expect(
      lines(of(['0 6 * * *', '0 */6 * * *', '30 6 1 * *'], 'Europe/Moscow'), '2026-12-01T00:00', '2026-12-01T09:00'),
    ).toEqual(['2026-12-01T06:00 12-01T03:00', '2026-12-01T06:30 12-01T03:30', '2026-12-01T12:00 12-01T09:00']);
  });

  test('keep their own rules where clocks change', () => {
    const both = of(['30 1 * * *', '0 * * * *'], 'America/New_York');
    expect(lines(both, '2026-11-01T04:30', '2026-11-01T06:30')).toEqual([
      '2026-11-01T01:00 11-01T05:00',
      '2026-11-01T01:30 11-01T05:30',
      '2026-11-01T01:00#2 11-01T06:00',
    ]);
    const gap = of(['10 2 * * *', '40 2 * * *', '20 * * * *'], 'America/New_York');
    expect(lines(gap, '2026-03-08T06:30', '2026-03-08T07:30')).toEqual([
      '2026-03-08T02:10 03-08T07:00',
      '2026-03-08T02:40 03-08T07:00 superseded 2026-03-08T02:10 is due at the same time',
      '2026-03-08T03:20 03-08T07:20',
    ]);
  });
});

describe('a part of the instants', () => {
  const daily = of('0 6 * * *', 'UTC');

  test('is without its first and with its last moment', () => {
    expect(lines(daily, '2026-12-01T06:00', '2026-12-02T06:00')).toEqual(['2026-12-02T06:00 12-02T06:00']);
    expect(instantsBetween(daily, 5, 5, 10)).toEqual({ instants: [], until: 5 });
  });

  test('of many is complete up to a time, and the next one goes on there', () => {
    const quarters = of('*/15 * * * *', 'America/New_York');
    const [from, to] = [ms('2026-10-31T00:00'), ms('2026-11-03T00:00')];
    const all = instantsBetween(quarters, from, to, 10_000);
    expect(all.until).toBe(to);
    const found: Instant[] = [];
    for (let until = from; until < to; ) {
      const some = instantsBetween(quarters, until, to, 7);
      expect(some.instants.length).toBeLessThanOrEqual(7);
      found.push(...some.instants);
      until = some.until;
    }
    expect(found).toEqual(all.instants);
  });

  test('does not part the instants of one due time', () => {
    const some = instantsBetween(of('*/10 2 * * *', 'America/New_York'), ms(gapDay[0]), ms('2026-03-20T00:00'), 2);
    expect(some.instants.map(({ due }) => due)).toEqual(Array(6).fill(ms('2026-03-08T07:00')));
    expect(some.until).toBe(ms('2026-03-08T07:00'));
  });

  test.each([0, 1, 2])('has the next %i that start a run', (count) => {
    const found = nextInstants(of('0 2,3 * * *', 'America/New_York'), ms(gapDay[0]), count);
    expect(found.map(({ key }) => key)).toEqual(['2026-03-08T03:00', '2026-03-09T02:00'].slice(0, count));
  });
});

describe('far from today', () => {
  test.each([
    ['0 0 29 2 *', '2096-03-01T00:00', '2104-02-29T00:00 02-29T00:00'],
    ['0 0 * * *', '9999-12-01T00:00', '9999-12-02T00:00 12-02T00:00'],
    ['0 0 1 1 *', '0050-01-01T00:00', '0051-01-01T00:00 01-01T00:00'],
    ['0 0 * * *', '1969-12-31T12:00', '1970-01-01T00:00 01-01T00:00'],
  ])('%s after %s', (text, from, expected) => {
    expect(nextInstants(of(text, 'UTC'), ms(from), 1).map(line)).toEqual([expected]);
  });

  test('local mean time has seconds', () => {
    const [instant] = nextInstants(of('0 12 * * *', 'Africa/Monrovia'), ms('1971-06-01T00:00'), 1);
    expect(new Date(instant?.due ?? 0).toISOString()).toBe('1971-06-01T12:44:30.000Z');
  });

  test('it ends with the year 9999', () => {
    expect(nextInstants(of('0 0 29 2 *', 'UTC'), ms('9999-01-01T00:00'), 1)).toEqual([]);
    expect([...instants(of('0 0 1 * *', 'Europe/Paris'), ms('9999-10-15T00:00'))]).toHaveLength(2);
    expect(nextInstants(of('* * * * *', 'UTC'), Number.POSITIVE_INFINITY, 1)).toEqual([]);
    expect(nextInstants(of('0 0 1 1 *', 'UTC'), -8.64e15, 1)).toEqual([]);
    expect(() => nextInstants(of('* * * * *', 'UTC'), Number.NaN, 1)).toThrow(RangeError);
  });
});
