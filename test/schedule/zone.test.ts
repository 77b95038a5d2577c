import { describe, expect, test } from 'vitest';
import { checkZone, firstAt, transitions } from '../../controller/schedule/zone.ts';
import { clockOf, dayMs } from './oracle.ts';

const ms = (text: string): number => Date.parse(`${text}Z`);
const shown = (zone: string, after: string, count: number): unknown[] =>
  transitions(zone, ms(after), count, ms(after) + 800 * dayMs).map(({ at, before, after: then }) => [
    new Date(at).toISOString().slice(0, 19),
    before,
    then,
  ]);

describe('the name of a zone', () => {
  test.each([
    ['Europe/Moscow', 'Europe/Moscow'],
    ['europe/moscow', 'Europe/Moscow'],
    ['AMERICA/ARGENTINA/BUENOS_AIRES', 'America/Buenos_Aires'],
    ['utc', 'UTC'],
    ['Etc/GMT+5', 'Etc/GMT+5'],
    ['US/Eastern', 'US/Eastern'],
    ['us/eastern', 'America/New_York'],
    ['Europe/Kyiv', 'Europe/Kyiv'],
  ])('%s is %s', (name, spelled) => {
    expect(checkZone(name)).toBe(spelled);
  });

  test.each([
    ['Europe/Moskow', '"Europe/Moskow" is not a time zone — did you mean "Europe/Moscow"?'],
    ['moscow', '"moscow" is not a time zone — did you mean "Europe/Moscow"?'],
    ['+03:00', '"+03:00" is not a time zone'],
    ['', '"" is not a time zone'],
    ['Mars/Olympus', '"Mars/Olympus" is not a time zone'],
    ['Europe/Moscow ', '"Europe/Moscow " is not a time zone — did you mean "Europe/Moscow"?'],
    ['\u202eUTC', '"\\u202eUTC" is not a time zone — did you mean "UTC"?'],
  ])('%j is refused', (name, message) => {
    expect(() => checkZone(name)).toThrow(expect.objectContaining({ kind: 'rejected', message }));
  });

  test('of thousands of characters is refused in a short message', () => {
    expect(() => checkZone('x'.repeat(10_000))).toThrow(/^"x{39}…" is not a time zone$/);
  });
});

describe('the transitions of a zone', () => {
  test.each([
    [
      'America/New_York',
      '2026-11-30',
      [
        ['2027-03-14T07:00:00', -300, -240],
        ['2027-11-07T06:00:00', -240, -300],
      ],
    ],
    [
      'Australia/Lord_Howe',
      '2026-04-01',
      [
        ['2026-04-04T15:00:00', 660, 630],
        ['2026-10-03T15:30:00', 630, 660],
      ],
    ],
    [
      'Antarctica/Troll',
      '2026-01-01',
      [
        ['2026-03-29T01:00:00', 0, 120],
        ['2026-10-25T01:00:00', 120, 0],
      ],
    ],
    ['Europe/Moscow', '2026-11-30', []],
    ['UTC', '2026-11-30', []],
    ['Pacific/Apia', '2011-12-01', [['2011-12-30T10:00:00', -600, 840]]],
    ['Atlantic/Azores', '2026-11-30', [['2027-03-28T01:00:00', -60, 0]]],
    ['Africa/Monrovia', '1971-12-01', [['1972-01-07T00:44:30', -44.5, 0]]],
  ])('%s after %s', (zone, after, expected) => {
    expect(shown(zone, after, expected.length || 2)).toEqual(expected);
  });

  test('are those after a time and up to a limit', () => {
    const at = ms('2027-03-14T07:00');
    const found = (after: number, limit: number): number => transitions('America/New_York', after, 5, limit).length;
    expect([found(at, at + dayMs), found(at - 1, at), found(at - 1, at - 1), found(at - 1, at - dayMs)]).toEqual([
      0, 1, 0, 0,
    ]);
  });
});

describe('the first moment of a wall time', () => {
  test.each([
    ['America/New_York', '2026-07-01T06:00', '2026-07-01T10:00'],
    ['America/New_York', '2027-03-14T02:30', '2027-03-14T07:00'],
    ['America/New_York', '2026-11-01T01:30', '2026-11-01T05:30'],
    ['Pacific/Apia', '2011-12-30T12:00', '2011-12-30T10:00'],
    ['Pacific/Kiritimati', '2026-01-01T00:00', '2025-12-31T10:00'],
  ])('in %s at %s is %s', (zone, wall, at) => {
    expect(new Date(firstAt(zone, ms(wall))).toISOString().slice(0, 16)).toBe(at);
  });

  test('is when the clocks show it, in any century', () => {
    for (const year of ['1583', '1850', '1900', '1945', '1969', '2500', '9998'])
      for (const zone of ['Europe/Moscow', 'America/New_York', 'Asia/Tokyo', 'Africa/Casablanca', 'Pacific/Apia']) {
        const wall = ms(`${year}-05-05T12:34`);
        expect(clockOf(zone)(firstAt(zone, wall)), `${zone} ${year}`).toBe(wall);
      }
  });
});
