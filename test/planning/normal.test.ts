import { describe, expect, test } from 'vitest';
import { randomOf } from '../../controller/demo/random.ts';
import type { Nature, Reading } from '../../controller/domain/past.ts';
import { judge } from '../../controller/planning/normal.ts';
import { halfOff, noise, ours, planted, tallyOf, threeSigma } from './months.ts';

const hour = 3_600_000;
/** Readings that are so many hours apart; the first of them on a Thursday. */
const series = (values: readonly number[], hours = 24): Reading[] =>
  values.map((value, i) => ({
    time: new Date(Date.UTC(2026, 0, 1, 6) + i * hours * hour).toISOString().slice(0, 16),
    value,
  }));
const alarms = (readings: readonly Reading[], nature: Nature = 'count'): number[] =>
  readings.flatMap((each, i) => (judge(nature, readings.slice(0, i), each).verdict === 'unusual' ? [i] : []));
const repeated = (n: number, of: (i: number) => number): number[] => Array.from({ length: n }, (_, i) => of(i));
/** Weekly values, from a Thursday on. */
const week = [1000, 1100, 400, 300, 1050, 980, 1010];
const weekly = (i: number): number => week[i % 7] as number;

test('of simulated months it finds nine of ten anomalies and has few false alarms, where simple rules miss many or alarm daily', () => {
  // The numbers in normal.ts were chosen on the seeds from 1 to 60.
  const seeds = repeated(50, (i) => 5001 + i);
  const tallies = {
    'normal()': tallyOf(ours, seeds),
    'mean ± 3 sigma': tallyOf(threeSigma, seeds),
    'mean ± 50 %': tallyOf(halfOff, seeds),
  };
  for (const [name, { planted: all, found, falseAlarms, judged, missed }] of Object.entries(tallies)) {
    const perQuarter = (falseAlarms / seeds.length).toFixed(2);
    process.stdout.write(
      `${name.padEnd(15)} found ${found} of ${all} (${((found / all) * 100).toFixed(0)} %), ${falseAlarms} false alarms of ${judged}: ${perQuarter} a pipeline in 90 days; missed: ${Object.entries(
        missed,
      )
        .map(([what, n]) => `${what} ${n}`)
        .join(', ')}\n`,
    );
  }
  const { 'normal()': own, 'mean ± 3 sigma': sigma, 'mean ± 50 %': half } = tallies;
  expect(own.planted).toBe(seeds.length * planted.length);
  expect(own.found / own.planted).toBeGreaterThan(0.88);
  expect(own.falseAlarms / seeds.length).toBeLessThan(0.2);
  expect(sigma.found / sigma.planted).toBeLessThan(0.75);
  expect(sigma.falseAlarms).toBeGreaterThan(5 * own.falseAlarms);
  expect(half.falseAlarms / seeds.length).toBeGreaterThan(10);
});

describe('a measure', () => {
  test('is not judged before there are runs to compare', () => {
    const readings = series(repeated(20, () => 1000));
    const verdicts = readings.map((each, i) => judge('count', readings.slice(0, i), each).verdict);
    expect(verdicts.indexOf('normal')).toBe(13);
    expect(new Set(verdicts.slice(0, 13))).toEqual(new Set(['unknown']));
    expect(judge('count', readings.slice(0, 12), { time: '2026-02-01T06:00', value: 0 })).toEqual({
      ...{ verdict: 'unknown', value: 0, runs: 12 },
    });
  });

  test('is compared with the runs of its weekday, with the numbers that were compared', () => {
    const readings = series(repeated(73, weekly));
    // 16 March 2026 is a Monday, whose values are 1050.
    const monday = { time: '2026-03-16T06:00', value: 1050 };
    expect(judge('count', readings, monday)).toMatchObject({ verdict: 'normal', runs: 8, weekday: 1 });
    const found = judge('count', readings, { ...monday, value: 300 });
    expect(found).toMatchObject({ verdict: 'unusual', runs: 8, weekday: 1 });
    expect(found.median).toBeCloseTo(1050, 0);
    expect(found.low).toBeGreaterThan(900);
    expect(found.high).toBeLessThan(1200);
    // A Sunday has as few.
    expect(judge('count', readings, { time: '2026-03-15T06:00', value: 300 }).verdict).toBe('normal');
    expect(alarms(readings)).toEqual([]);
  });

  test('of a constant series may move a little, and a great change is unusual', () => {
    const constant = series(repeated(60, () => 1000));
    const next = (value: number) => judge('count', constant, { time: '2026-03-02T06:00', value }).verdict;
    expect([next(1000), next(1040), next(960)]).toEqual(['normal', 'normal', 'normal']);
    expect([next(1150), next(870), next(0)]).toEqual(['unusual', 'unusual', 'unusual']);
    const zero = series(repeated(60, () => 0));
    expect(judge('count', zero, { time: '2026-03-02T06:00', value: 3 }).verdict).toBe('normal');
    expect(judge('count', zero, { time: '2026-03-02T06:00', value: 500 }).verdict).toBe('unusual');
  });

  test('grows or shrinks without an alarm', () => {
    for (const rate of [1.02, 0.98]) expect(alarms(series(repeated(120, (i) => weekly(i) * rate ** i)))).toEqual([]);
  });

  test('on a new level is unusual a few times, and is then the usual', () => {
    for (const factor of [3, 1 / 3]) {
      const found = alarms(series(repeated(120, (i) => weekly(i) * (i < 60 ? 1 : factor))));
      expect(found[0]).toBe(60);
      expect(found.length).toBeLessThan(6);
      expect(found.at(-1)).toBeLessThan(68);
    }
  });

  test('is judged alike with outliers in the history', () => {
    const values = repeated(60, weekly);
    for (const i of [20, 33, 41, 55]) values[i] = i % 2 === 0 ? 0 : 50_000;
    const found = alarms(series(values));
    expect(found).toEqual([20, 33, 41, 55]);
  });

  test('that is repeated on the same day does not become usual by that', () => {
    const readings = series(repeated(60, weekly));
    const again = Array.from({ length: 20 }, (_, i) => ({ time: `2026-03-02T07:${i + 10}`, value: 100 }));
    const current = { time: '2026-03-02T12:00', value: 100 };
    expect(judge('count', readings, current).verdict).toBe('unusual');
    expect(judge('count', [...readings, ...again], current)).toEqual(judge('count', readings, current));
  });

  test('as a share or an age is never too small', () => {
    const shares = series(repeated(60, () => 0.02)).map((each) => ({ ...each, of: 100_000 }));
    const at = (value: number) => judge('share', shares, { time: '2026-03-02T06:00', value, of: 100_000 });
    expect([at(0).verdict, at(0.021).verdict, at(0.2).verdict]).toEqual(['normal', 'normal', 'unusual']);
    expect(at(0)).toMatchObject({ low: 0 });
    const ages = series(repeated(60, () => 3600));
    const age = (value: number) => judge('seconds', ages, { time: '2026-03-02T06:00', value }).verdict;
    expect([age(0), age(4000), age(86_400)]).toEqual(['normal', 'normal', 'unusual']);
  });

  test('of few rows is not unusual for a row', () => {
    const shares = series(repeated(60, () => 0)).map((each) => ({ ...each, of: 50 }));
    expect(judge('share', shares, { time: '2026-03-02T06:00', value: 0.02, of: 50 }).verdict).toBe('normal');
    expect(judge('share', shares, { time: '2026-03-02T06:00', value: 0.5, of: 50 }).verdict).toBe('unusual');
  });
});

describe('pipelines of other rhythms', () => {
  const noisy = (seed: number, n: number, of: (i: number) => number): number[] => {
    const random = randomOf(seed, 'rhythm');
    return repeated(n, (i) => Math.round(of(i) * Math.exp(noise(random, 0.08))));
  };
  const day = (i: number): number => 200 + 1000 * Math.max(0, Math.sin(((i % 24) / 24) * 2 * Math.PI));

  test('hourly, with day and night: few alarms, and a lost hour is found', () => {
    let falseAlarms = 0;
    let found = 0;
    for (const seed of repeated(10, (i) => i)) {
      const readings = series(noisy(seed, 24 * 14, day), 1);
      falseAlarms += alarms(readings.slice(0, -1)).length;
      found +=
        judge('count', readings.slice(0, -1), { ...(readings.at(-1) as Reading), value: 0 }).verdict === 'unusual'
          ? 1
          : 0;
      const last = judge('count', readings.slice(0, -1), readings.at(-1) as Reading);
      expect(last).toMatchObject({ runs: 8, hour: 5 });
    }
    process.stdout.write(`hourly: ${falseAlarms} false alarms in 10 x 14 days, ${found} of 10 lost hours found\n`);
    expect(found).toBe(10);
    expect(falseAlarms / (10 * 24 * 14)).toBeLessThan(0.003);
  });

  test('weekly, and on working days alone: few alarms, and a third of the rows is found', () => {
    let [falseAlarms, judged] = [0, 0];
    for (const seed of repeated(10, (i) => i)) {
      const weeks = series(
        noisy(seed, 52, () => 5000),
        24 * 7,
      );
      const working = series(noisy(seed, 120, weekly)).filter(
        ({ time }) => ![6, 0].includes(new Date(time).getUTCDay()),
      );
      for (const readings of [weeks, working]) {
        falseAlarms += alarms(readings).length;
        judged += readings.length;
        const last = readings.at(-1) as Reading;
        expect(judge('count', readings.slice(0, -1), { ...last, value: last.value / 3 }).verdict).toBe('unusual');
      }
    }
    process.stdout.write(`weekly and on working days: ${falseAlarms} false alarms of ${judged}\n`);
    expect(judged).toBeGreaterThan(1000);
    expect(falseAlarms).toBeLessThan(4);
  });
});
