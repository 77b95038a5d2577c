import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, describe, expect, test } from 'vitest';
import { fakedClock } from '../chaos/faked-clock.ts';

/** Days on which clocks change, lived through by a process and a store whose clock says that it is that day. */

if (!fakedClock) process.stdout.write('skipped: days on which clocks change, as libfaketime is not installed\n');
const folder = mkdtempSync(join(tmpdir(), 'sluice-clocks-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The table: by hand, from the rules. Of each row the expression, its wall time, and when it is due. */
const days: readonly {
  readonly zone: string;
  readonly what: string;
  readonly from: string;
  readonly to: string;
  readonly rows: readonly (readonly [string, string, string])[];
}[] = [
  {
    ...{ zone: 'Europe/Moscow', what: 'has no changes any more', from: '2026-03-28T20:00Z', to: '2026-03-29T02:00Z' },
    rows: [
      ['30 2 * * *', '2026-03-29T02:30', '2026-03-28T23:30'],
      ['15 */2 * * *', '2026-03-29T00:15', '2026-03-28T21:15'],
      ['15 */2 * * *', '2026-03-29T02:15', '2026-03-28T23:15'],
      ['15 */2 * * *', '2026-03-29T04:15', '2026-03-29T01:15'],
    ],
  },
  {
    ...{ zone: 'America/New_York', what: 'goes ahead', from: '2026-03-08T04:50Z', to: '2026-03-08T08:00Z' },
    rows: [
      ['30 2 * * *', '2026-03-08T02:30', '2026-03-08T07:00'],
      ['0 3 * * *', '2026-03-08T03:00', '2026-03-08T07:00'],
      ['30 * * * *', '2026-03-08T00:30', '2026-03-08T05:30'],
      ['30 * * * *', '2026-03-08T01:30', '2026-03-08T06:30'],
      ['30 * * * *', '2026-03-08T03:30', '2026-03-08T07:30'],
    ],
  },
  {
    ...{ zone: 'America/New_York', what: 'goes back', from: '2026-11-01T03:50Z', to: '2026-11-01T08:00Z' },
    rows: [
      ['30 1 * * *', '2026-11-01T01:30', '2026-11-01T05:30'],
      ['30 * * * *', '2026-11-01T00:30', '2026-11-01T04:30'],
      ['30 * * * *', '2026-11-01T01:30', '2026-11-01T05:30'],
      ['30 * * * *', '2026-11-01T01:30#2', '2026-11-01T06:30'],
      ['30 * * * *', '2026-11-01T02:30', '2026-11-01T07:30'],
    ],
  },
  {
    ...{
      zone: 'Australia/Lord_Howe',
      what: 'goes ahead by half an hour',
      from: '2026-10-03T14:00Z',
      to: '2026-10-03T17:00Z',
    },
    rows: [
      ['15 2 * * *', '2026-10-04T02:15', '2026-10-03T15:30'],
      ['45 * * * *', '2026-10-04T00:45', '2026-10-03T14:15'],
      ['45 * * * *', '2026-10-04T01:45', '2026-10-03T15:15'],
      ['45 * * * *', '2026-10-04T02:45', '2026-10-03T15:45'],
      ['45 * * * *', '2026-10-04T03:45', '2026-10-03T16:45'],
    ],
  },
  {
    ...{
      zone: 'Australia/Lord_Howe',
      what: 'goes back by half an hour',
      from: '2026-04-04T14:00Z',
      to: '2026-04-04T16:00Z',
    },
    rows: [
      ['45 1 * * *', '2026-04-05T01:45', '2026-04-04T14:45'],
      ['45 * * * *', '2026-04-05T01:45', '2026-04-04T14:45'],
      ['45 * * * *', '2026-04-05T01:45#2', '2026-04-04T15:15'],
    ],
  },
  {
    ...{ zone: 'Africa/Cairo', what: 'goes ahead at midnight', from: '2026-04-23T20:00Z', to: '2026-04-24T00:00Z' },
    rows: [
      ['30 0 * * *', '2026-04-24T00:30', '2026-04-23T22:00'],
      ['0 * * * *', '2026-04-23T23:00', '2026-04-23T21:00'],
      ['0 * * * *', '2026-04-24T01:00', '2026-04-23T22:00'],
      ['0 * * * *', '2026-04-24T02:00', '2026-04-23T23:00'],
      ['0 * * * *', '2026-04-24T03:00', '2026-04-24T00:00'],
    ],
  },
  {
    ...{ zone: 'Africa/Cairo', what: 'goes back at midnight', from: '2026-10-29T19:10Z', to: '2026-10-29T22:10Z' },
    rows: [
      ['30 23 * * *', '2026-10-29T23:30', '2026-10-29T20:30'],
      ['0 0 * * *', '2026-10-30T00:00', '2026-10-29T22:00'],
      ['30 */1 * * *', '2026-10-29T22:30', '2026-10-29T19:30'],
      ['30 */1 * * *', '2026-10-29T23:30', '2026-10-29T20:30'],
      ['30 */1 * * *', '2026-10-29T23:30#2', '2026-10-29T21:30'],
    ],
  },
  {
    ...{ zone: 'Pacific/Apia', what: 'leaves a day out', from: '2011-12-30T09:00Z', to: '2011-12-30T23:00Z' },
    rows: [
      ['0 12 * * *', '2011-12-30T12:00', '2011-12-30T10:00'],
      ['0 12 * * *', '2011-12-31T12:00', '2011-12-30T22:00'],
      ['0 */6 * * *', '2011-12-31T00:00', '2011-12-30T10:00'],
      ['0 */6 * * *', '2011-12-31T06:00', '2011-12-30T16:00'],
      ['0 */6 * * *', '2011-12-31T12:00', '2011-12-30T22:00'],
    ],
  },
];

describe.skipIf(!fakedClock)('on the day on which', () => {
  test.each(days.map((each, i) => [`${each.zone} ${each.what}`, each, i] as const))(
    '%s, the ledger equals the table',
    { timeout: 120_000 },
    async (_name, { zone, from, to, rows }, i) => {
      const crons = [...new Set(rows.map(([cron]) => cron))];
      const clock = join(folder, `${i}.clock`);
      const script = join(import.meta.dirname, 'ticking.ts');
      const args = ['--import', 'tsx', script, join(folder, `${i}.db`), clock, zone, from, to, ...crons];
      const env = {
        // The zone of the process is another one.
        ...{ LD_PRELOAD: fakedClock ?? '', TZ: 'UTC', FAKETIME_TIMESTAMP_FILE: clock, FAKETIME_NO_CACHE: '1' },
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      };
      const { stdout } = await execa(process.execPath, args, { env });
      const ledger = JSON.parse(stdout) as { rows: Record<string, unknown>[]; problems: string[] };
      expect(ledger.problems).toEqual([]);
      const isSuperseded = (cron: string, due: string, key: string): boolean =>
        rows.some((each) => each[0] === cron && each[2] === due && each[1] !== key);
      expect(ledger.rows.map((row) => JSON.stringify(row)).sort()).toEqual(
        rows
          .map(([cron, key, due]) => ({
            ...{ cron, key: `${key} ${zone}`, due: `${due}:00.000Z` },
            outcome: isSuperseded(cron, due, key) ? 'superseded' : 'started',
            isOnTime: true,
          }))
          .map((row) => JSON.stringify(row))
          .sort(),
      );
    },
  );
});
