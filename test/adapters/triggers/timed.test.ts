import { describe, expect, test } from 'vitest';
import { polled } from './state.ts';

const hour = 3_600_000;
const day = 24 * hour;
const start = Date.parse('2026-03-01T00:00:00Z');
const daily = { schedule: '0 6 * * *', zone: 'UTC' };
const rows = (all: Awaited<ReturnType<ReturnType<typeof polled>['at']>>['firings']) =>
  all.map(({ key, instead, count }) =>
    [key, instead?.outcome ?? 'start', instead?.reason, count].filter(Boolean).join(' | '),
  );

describe('a schedule', () => {
  test('fires once for each instant after it was armed, and says when the next one is due', async () => {
    const { at, starts } = polled(daily, { armed: start });
    expect(await at(start)).toMatchObject({ firings: [], next: start + 6 * hour });
    expect(await starts(start + 6 * hour - 1)).toEqual([]);
    expect(await starts(start + 6 * hour)).toEqual(['2026-03-01T06:00 UTC']);
    expect(await starts(start + 6 * hour + 1)).toEqual([]);
    expect((await at(start + 7 * hour)).next).toBe(start + 30 * hour);
  });

  test('of instants that nobody saw, the last one starts; the others say what stands for them, in one row', async () => {
    const { at } = polled(daily, { armed: start });
    expect(rows((await at(start + 5 * day + 7 * hour)).firings)).toEqual([
      '2026-03-01T06:00 UTC .. 2026-03-05T06:00 UTC | missed | later than within: 24h | 5',
      '2026-03-06T06:00 UTC | start',
    ]);
    const hourly = polled({ schedule: '0 */4 * * *', zone: 'UTC' }, { armed: start });
    expect(rows((await hourly.at(start + 30 * hour)).firings)).toEqual([
      '2026-03-01T04:00 UTC | missed | later than within: 24h',
      '2026-03-01T08:00 UTC .. 2026-03-02T00:00 UTC | superseded | a later instant stands for it | 5',
      '2026-03-02T04:00 UTC | start',
    ]);
  });

  test('missed: none starts none of them, and still the one that is on time', async () => {
    const { at } = polled({ ...daily, missed: 'none' }, { armed: start });
    expect(rows((await at(start + 2 * day + 6 * hour + 30_000)).firings)).toEqual([
      '2026-03-01T06:00 UTC .. 2026-03-02T06:00 UTC | missed | no controller ran, and missed is none | 2',
      '2026-03-03T06:00 UTC | start',
    ]);
  });

  test('missed: all starts them in order, as many as may wait, and goes on when these have begun', async () => {
    const { at, starts } = polled({ schedule: '0 * * * *', zone: 'UTC', missed: 'all' }, { armed: start });
    const first = await at(start + 23.5 * hour);
    expect(first.firings).toHaveLength(10);
    expect(first.firings.every(({ isAlone }) => isAlone)).toBe(true);
    expect(first.next).toBe(start + 23.5 * hour + 1000);
    expect(await starts(start + 23.5 * hour + 1000, { waiting: 10 })).toEqual([]);
    expect(await starts(start + 23.5 * hour + 2000, { waiting: 4 })).toEqual(
      [11, 12, 13, 14, 15, 16].map((h) => `2026-03-01T${h}:00 UTC`),
    );
  });

  test('an outage of a year of minutes is accounted for in few rows', async () => {
    const { at, all } = polled({ schedule: '* * * * *', zone: 'UTC' }, { armed: start });
    const now = start + 365 * day + 500;
    for (let next: number | undefined = now; next !== undefined && next <= now; ) ({ next } = await at(now));
    expect(all.length).toBeLessThan(130);
    expect(all.reduce((sum, { count = 1 }) => sum + count, 0)).toBe(365 * 24 * 60);
    expect(all.filter(({ instead }) => !instead).map(({ key }) => key)).toEqual(['2027-03-01T00:00 UTC']);
  });

  test('instants of a pause are skipped by name, and never start afterwards', async () => {
    const { at } = polled(daily, { armed: start });
    const pauses = [{ from: start, to: start + 3 * day, by: 'anna', reason: 'vendor outage' }];
    expect(rows((await at(start + 3 * day + 1, { pauses })).firings)).toEqual([
      '2026-03-01T06:00 UTC .. 2026-03-03T06:00 UTC | skipped | paused by anna: vendor outage | 3',
    ]);
  });

  test('a changed expression owes nothing of the past; a changed policy owes what it did', async () => {
    const { at, starts, cursor } = polled(daily, { armed: start });
    await at(start);
    const changed = polled({ ...daily, schedule: '0 7 * * *' }, { armed: start });
    expect(await changed.starts(start + day + 8 * hour, { cursor: cursor() })).toEqual([]);
    expect(await changed.starts(start + 2 * day + 7 * hour)).toEqual(['2026-03-03T07:00 UTC']);
    expect(await starts(start + 8 * hour)).toEqual(['2026-03-01T06:00 UTC']);
  });

  test('a holiday is skipped by its name, or its instant waits for the next other day', async () => {
    const content = { weekend: ['sat', 'sun'], holidays: { '2026-03-02': 'a day off' } };
    const skip = polled({ ...daily, calendar: { file: 'x.yaml', on: 'skip', content } }, { armed: start });
    expect(rows((await skip.at(start + 8 * hour)).firings)).toEqual([
      '2026-03-01T06:00 UTC | skipped | holiday: Sunday',
    ]);
    const wait = polled({ ...daily, calendar: { file: 'x.yaml', on: 'next-day', content } }, { armed: start });
    expect(await wait.starts(start + day + 8 * hour)).toEqual([]);
    expect(
      rows((await wait.at(start + 2 * day + 6 * hour)).firings).filter((row) => row.endsWith('start')),
    ).toHaveLength(1);
  });

  test('an instant that waited has a row of its own: an earlier definition may have entered it on its day', async () => {
    const content = { weekend: ['sat', 'sun'] };
    const { at } = polled({ ...daily, calendar: { file: 'x.yaml', on: 'next-day', content } }, { armed: start - day });
    expect(rows((await at(start + day + 6 * hour)).firings)).toEqual([
      '2026-02-28T06:00 UTC | superseded | 2026-03-02T06:00 is due at the same time',
      '2026-03-01T06:00 UTC | superseded | 2026-03-02T06:00 is due at the same time',
      '2026-03-02T06:00 UTC | start',
    ]);
  });

  test('jitter delays by the same time wherever it is computed, and loses no instant', async () => {
    const jittered = { ...daily, jitter: '30m' };
    const one = polled(jittered, { armed: start });
    const { next = 0 } = await one.at(start + 6 * hour - 1);
    expect(next).toBeGreaterThan(start + 6 * hour);
    expect(next).toBeLessThanOrEqual(start + 6.5 * hour);
    expect((await polled(jittered, { armed: start }).at(start)).next).toBe(next);
    expect(await one.starts(next)).toEqual(['2026-03-01T06:00 UTC']);
  });

  test('with jitter, an instant that waited for an earlier one is not late', async () => {
    const { at } = polled(
      { schedule: '*/5 * * * *', zone: 'UTC', jitter: '30m', missed: 'none', within: '24h' },
      { armed: start },
    );
    const all: string[] = [];
    for (let now = start; now <= start + day; now += 1000) {
      const { firings, next = now } = await at(now);
      all.push(...rows(firings));
      now = Math.max(now, next - 1000);
    }
    expect(all.length).toBeGreaterThan(250);
    expect(all.filter((row) => !row.endsWith('start'))).toEqual([]);
  });

  test('instants that wait for the same day are all accounted for, though jitter delays each by its own time', async () => {
    const content = { weekend: ['sat', 'sun'] };
    const { at, all } = polled(
      { ...daily, jitter: '3h', calendar: { file: 'x.yaml', on: 'next-day', content } },
      { armed: start - 3 * day },
    );
    for (let now = start; now < start + 21 * day; now += hour / 4) await at(now);
    const keys = all.flatMap(({ key, until }) => (until === undefined ? key : key.split(' .. ')));
    expect(keys).toContain('2026-03-09T06:00 UTC');
    expect(all.reduce((sum, { count = 1 }) => sum + count, 0)).toBe(23);
    expect(all.filter(({ instead }) => !instead)).toHaveLength(15);
  });

  test('catching up stops between times, not between instants of one', async () => {
    const content = { weekend: ['sat', 'sun'] };
    const monday = { ...daily, missed: 'all', within: '900h', calendar: { file: 'x.yaml', on: 'next-day', content } };
    const { at, all } = polled(monday, { armed: start - 3 * day });
    const now = start + day + 7 * hour;
    expect((await at(now, { waiting: 10 })).firings).toEqual([]);
    await at(now, { waiting: 0 });
    expect(all.reduce((sum, { count = 1 }) => sum + count, 0)).toBe(5);
  });

  test('what a changed definition has left is accounted for: what is due right now starts, the rest is missed', async () => {
    const before = polled(daily, { armed: start });
    await before.at(start);
    const after = polled({ ...daily, schedule: '0 7 * * *' }, { armed: start });
    const { firings, next } = await after.at(start + 2 * day + 6 * hour + 30_000, { cursor: before.cursor() });
    expect(rows(firings)).toEqual([
      '2026-03-01T06:00 UTC .. 2026-03-02T06:00 UTC | missed | the schedule was changed before it started | 2',
      '2026-03-03T06:00 UTC | start',
    ]);
    expect(next).toBe(start + 2 * day + 7 * hour);
    const interval = polled({ every: '6h', from: '2026-03-01T00:00:00Z' }, { armed: start });
    expect(rows((await interval.at(start + day, { cursor: before.cursor() })).firings)).toEqual([
      '2026-03-01T06:00 UTC | missed | the schedule was changed before it started',
    ]);
  });

  test('a changed definition begins where the ledger is, also when the clock has been set back', async () => {
    const before = polled(daily, { armed: start });
    await before.at(start + 3 * day);
    const after = polled({ ...daily, schedule: '0 * * * *' }, { armed: start });
    const { next } = await after.at(start + 2 * day, { cursor: before.cursor() });
    expect(next).toBe(start + 2 * day + 7 * hour);
  });

  test('dates limit it', async () => {
    const { starts } = polled(
      { ...daily, from: '2026-03-03', until: '2026-03-03', missed: 'all', within: '900h' },
      { armed: start },
    );
    expect(await starts(start + 9 * day)).toEqual(['2026-03-03T06:00 UTC']);
  });
});

describe('an interval', () => {
  test('is counted from a time that it names, and fires at that time, too', async () => {
    const { starts } = polled({ every: '10m', from: '2026-03-01T01:00:00+01:00' }, { armed: start - day });
    expect(await starts(start - 1)).toEqual([]);
    expect(await starts(start)).toEqual(['2026-03-01T00:00:00.000Z']);
    expect(await starts(start + 600_000)).toEqual(['2026-03-01T00:10:00.000Z']);
  });

  test('goes on from the cursor of an earlier version', async () => {
    const { starts } = polled({ every: '10m' }, { armed: start });
    const cursor = { every: '10m', passed: 6 };
    expect(await starts(start + hour + 1, { cursor })).toEqual([]);
    expect(await starts(start + hour + 600_000)).toEqual(['2026-03-01T01:10:00.000Z']);
  });
});
