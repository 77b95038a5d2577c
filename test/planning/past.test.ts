import { describe, expect, test } from 'vitest';
import type { PastRun } from '../../controller/domain/ports/past-index.ts';
import type { Measures, Profile } from '../../controller/domain/profile.ts';
import { emptyState, type RunState } from '../../controller/domain/state.ts';
import { comparedIn, comparedText, compareRun, pastOf } from '../../controller/planning/past.ts';
import { makePlan } from '../../controller/planning/plan.ts';
import { good, load } from '../pipeline/files.ts';
import { profile } from './profiles.ts';

const cluster = { cores: 2, largestMb: 8192 };

describe('checks that compare with earlier runs', () => {
  /** Thirty daily runs before 2 March 2026, a Monday. */
  const runs = (n: number, of: (i: number) => Partial<Measures>): PastRun[] =>
    Array.from({ length: n }, (_, i) => ({
      run: `r${i}`,
      at: Date.UTC(2026, 2, 1 - i, 6),
      isFullRefresh: i === 3,
      measures: { deliveries: profile(of(i)).measures },
    }));
  const monday = Date.UTC(2026, 2, 2, 6);
  const judged = async (expect: string, deliveries: Profile, past: readonly PastRun[], now = monday) => {
    const pipeline = await load(good.replace('deliveries.rows > 0', expect));
    const checked = { profiles: { deliveries, orders: profile() }, findings: {} };
    const paths = comparedIn(pipeline);
    return makePlan(pipeline, { ...checked, past: pastOf(paths, past, 'itself') }, cluster, now).verdicts[0];
  };

  test('fail with the numbers that were compared', async () => {
    const past = runs(40, () => ({ rows: 1000 }));
    const low = await judged('normal(deliveries.rows) && deliveries.rows > 0', profile({ rows: 300 }), past);
    expect(low).toMatchObject({
      outcome: 'fail',
      because:
        'deliveries.rows = 300, deliveries.rows = 300 is unusual: 931 to 1074 expected, from a median of 1000 in 5 runs on a Monday',
      compared: [{ measure: 'deliveries.rows', nature: 'count', verdict: 'unusual', value: 300, weekday: 1, runs: 5 }],
    });
    expect(await judged('normal(deliveries.rows)', profile({ rows: 1010 }), past)).toMatchObject({
      outcome: 'passed',
    });
    expect(await judged('"!normal(deliveries.rows)"', profile({ rows: 1010 }), past)).toMatchObject({
      outcome: 'fail',
    });
  });

  test('pass with too few runs, and say so', async () => {
    const expected = 'deliveries.rows = 3: too few runs to compare (4 earlier ones count)';
    const found = await judged(
      'normal(deliveries.rows)',
      profile({ rows: 3 }),
      runs(4, () => ({ rows: 1000 })),
    );
    expect(found).toMatchObject({ outcome: 'passed', because: expected });
    const none = makePlan(
      await load(good.replace('deliveries.rows > 0', 'normal(deliveries.rows)')),
      { profiles: { deliveries: profile(), orders: profile() }, findings: {} },
      cluster,
      0,
    );
    expect(none.verdicts[0]).toMatchObject({ outcome: 'passed', because: expect.stringContaining('(0 earlier') });
  });

  test('take shares of rows, of nulls and of duplicates, and the age of the data', async () => {
    const latest = (at: number) => ({ updated_at: new Date(at).toISOString() });
    const past = runs(40, (i) => ({
      ...{ rows: 1000, invalid: 10, duplicates: 10, nulls: { updated_at: 20 } },
      latest: latest(Date.UTC(2026, 2, 1 - i, 5)),
    }));
    const bad = profile({
      ...{ rows: 10_000, invalid: 3000, duplicates: 3500, nulls: { updated_at: 5000 } },
      latest: latest(monday - 26 * 3_600_000),
    });
    const fine = profile({
      ...{ rows: 10_000, invalid: 100, duplicates: 100, nulls: { updated_at: 200 } },
      latest: latest(monday - 3_600_000),
    });
    const because = {
      'deliveries.invalid':
        /deliveries.invalid = 30 % is unusual: at most .* % expected, from a median of 1 % in 5 runs/,
      'deliveries.invalid_ratio': /deliveries.invalid_ratio = 30 % is unusual/,
      'deliveries.duplicates': /deliveries.duplicates = 50 % is unusual/,
      'deliveries.nulls.updated_at': /deliveries.nulls.updated_at = 50 % is unusual/,
      'deliveries.latest.updated_at':
        /the age of deliveries.latest.updated_at = 26 h 00 min is unusual: at most 1 h .. min expected, from a median of 1 h 00 min/,
    };
    for (const [path, text] of Object.entries(because)) {
      expect(await judged(`normal(${path})`, bad, past), path).toMatchObject({
        outcome: 'fail',
        because: expect.stringMatching(text),
      });
      expect(await judged(`normal(${path})`, fine, past), path).toMatchObject({ outcome: 'passed' });
    }
  });

  test('are made for a whole run as well, with how long it took', () => {
    const past = runs(40, (i) => ({
      ...{ rows: 1000, nulls: { at: 0 } },
      latest: { at: new Date(Date.UTC(2026, 2, 1 - i, 5)).toISOString() },
    })).map((each, i) => ({
      ...each,
      ...(i !== 2 && { ms: 60_000 }),
    }));
    const state: RunState = {
      ...emptyState(),
      run: 'itself',
      profiles: { deliveries: profile({ rows: 1000, nulls: { at: 0 }, latest: { at: '2026-03-01T00:00:00Z' } }) },
      startedAt: monday,
      measuredAt: monday + 1000,
    };
    const ended = { state: 'succeeded', reason: '', at: monday + 900_000 } as const;
    expect(compareRun({ ...state, ended }, past).map(({ measure, verdict }) => [measure, verdict])).toEqual([
      ['deliveries.rows', 'normal'],
      ['deliveries.invalid_ratio', 'normal'],
      ['deliveries.duplicates', 'normal'],
      ['deliveries.latest.at', 'unusual'],
      ['run.duration', 'unusual'],
    ]);
    expect(compareRun(state, past).map(({ measure }) => measure)).not.toContain('run.duration');
    const [took] = compareRun({ ...state, ended }, past).slice(-1);
    expect(took && comparedText(took)).toMatch(
      /^run.duration = 15 min 00 s is unusual: at most .* from a median of 1 min 00 s in 5 runs on a Monday$/,
    );
    expect(compareRun(emptyState(), past)).toEqual([]);
  });

  test('leave out the run itself, full refreshes for new rows, and runs without the source', async () => {
    const past = pastOf(
      ['deliveries.rows', 'deliveries.new', 'orders.rows'],
      runs(6, (i) => ({ rows: i, new: i })),
      'r1',
    );
    expect(past['deliveries.rows']?.map(({ value }) => value)).toEqual([5, 4, 3, 2, 0]);
    expect(past['deliveries.new']?.map(({ value }) => value)).toEqual([5, 4, 2, 0]);
    expect(past['orders.rows']).toEqual([]);
  });

  test('a share of no rows passes, and a column that the table lacks is named', async () => {
    const past = runs(40, () => ({ rows: 1000 }));
    expect(await judged('normal(deliveries.invalid)', profile({ rows: 0 }), past)).toMatchObject({
      ...{ outcome: 'passed', because: 'deliveries.invalid has no value to compare' },
    });
    await expect(judged('normal(orders.nulls.x)', profile(), past)).rejects.toThrow(/orders has no column x/);
  });
});
