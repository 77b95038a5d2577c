import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { calendarSchema, holidayOn } from '../../controller/schedule/calendar.ts';

const calendar = calendarSchema.parse(
  parse(`
weekend: [fri, sat]
holidays:
  2026-05-01: Labour Day
  2026-12-30..2027-01-08: Winter
  12-25: Christmas
  02-29:
`),
);

describe('a holiday calendar', () => {
  test.each([
    ['2026-05-01', 'Labour Day'],
    ['2027-05-01', 'Saturday'],
    ['2026-12-29', undefined],
    ['2026-12-30', 'Winter'],
    ['2027-01-08', 'Winter'],
    ['2027-01-09', 'Saturday'],
    ['2027-01-10', undefined],
    ['2030-12-25', 'Christmas'],
    ['2028-02-29', '02-29'],
    ['2026-12-04', 'Friday'],
    ['1969-12-26', 'Friday'],
  ])('on %s has %s', (date, name) => {
    expect(holidayOn(calendar, date)).toBe(name);
  });

  test('can be a list without names', () => {
    const plain = calendarSchema.parse(parse('holidays: [2026-05-01, 2026-07-01..2026-07-03, 12-25]'));
    expect(['2026-05-01', '2026-07-02', '2029-12-25', '2026-07-04'].map((date) => holidayOn(plain, date))).toEqual([
      '2026-05-01',
      '2026-07-01..2026-07-03',
      '12-25',
      undefined,
    ]);
  });

  test('can have days of each year that follow one another, also over its end', () => {
    const yearly = calendarSchema.parse(parse('holidays: { 01-01..01-08: New Year, 12-30..01-02: Inventory }'));
    const on = (date: string) => holidayOn(yearly, date);
    expect(['2026-01-01', '2031-01-08', '2026-12-31'].map(on)).toEqual(['New Year', 'New Year', 'Inventory']);
    expect(['2026-01-09', '2026-12-29'].map(on)).toEqual([undefined, undefined]);
  });

  test('can be empty', () => {
    expect(holidayOn(calendarSchema.parse({}), '2026-05-01')).toBeUndefined();
  });

  test.each([
    [{ holidays: ['2026-02-29'] }],
    [{ holidays: ['2026-13-01'] }],
    [{ holidays: ['2026-1-1'] }],
    [{ holidays: ['02-30'] }],
    [{ holidays: [''] }],
    [{ holidays: ['2026-01-02..2026-01-01'] }],
    [{ holidays: ['2026-01-01..'] }],
    [{ holidays: ['12-25..2026-12-26'] }],
    [{ holidays: ['12-25..12-32'] }],
    [{ holidays: ['2026-01-01..2026-01-02..2026-01-03'] }],
    [{ holidays: { 'new year': 'x' } }],
    [{ holidays: { '2026-01-01': '' } }],
    [{ holidays: [1225] }],
    [{ weekend: ['saturday'] }],
    [{ weekend: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] }],
    [{ holiday: [] }],
    ['2026-01-01'],
    [null],
  ])('%j is refused', (value) => {
    expect(calendarSchema.safeParse(value).success).toBe(false);
  });
});
