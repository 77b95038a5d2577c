import { type Random, randomOf } from '../../controller/demo/random.ts';
import type { Nature, Reading } from '../../controller/domain/past.ts';
import { judge } from '../../controller/planning/normal.ts';

/** Simulated months of a daily pipeline, with anomalies that are known. */

const days = 90;
/** No anomaly is planted before this day: a judge has to see a pipeline first. */
const learned = 35;

interface Day extends Reading {
  /** What is planted here, if anything. */
  readonly anomaly?: string;
}
interface Series {
  readonly nature: Nature;
  readonly days: readonly Day[];
}

/** Normally distributed, and one in thirty from a distribution with a heavy tail. */
export const noise = (random: Random, sigma: number): number => {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return normal * sigma * (random() < 1 / 30 ? 2 : 1);
};

const timeOf = (day: number): string => new Date(Date.UTC(2026, 0, 1 + day, 6)).toISOString().slice(0, 16);

export const planted: readonly [
  name: string,
  source: 'rows' | 'invalid' | 'duplicates',
  change: (value: number) => number,
][] = [
  ['a third of the rows', 'rows', (n) => n / 3],
  ['half of the rows', 'rows', (n) => n / 2],
  ['twice the rows', 'rows', (n) => n * 2],
  ['no rows', 'rows', () => 0],
  ['a tenth of the rows', 'rows', (n) => n / 10],
  ['five times the rows', 'rows', (n) => n * 5],
  ['a fifth invalid', 'invalid', () => 0.2],
  ['five times as many invalid', 'invalid', (p) => Math.min(1, p * 5 + 0.02)],
  ['a tenth duplicate', 'duplicates', () => 0.1],
  ['all twice', 'duplicates', () => 0.5],
];

/** Three measures of ninety days: rows with a week, growth and noise, and two shares. Ten anomalies on ten days. */
function months(seed: number): Series[] {
  const random = randomOf(seed, 'months');
  const base = 10 ** (2.5 + random() * 4);
  const growth = random() * 0.012 - 0.002;
  const sigma = 0.03 + random() * 0.1;
  const weekend = 0.25 + random() * 0.75;
  const week = [1, 2, 3, 4, 5].map(() => 1 + noise(random, 0.08)).concat(weekend * 0.9, weekend);
  const invalid = 0.002 + random() * 0.03;
  const at = new Map<number, number>();
  for (let plan = 0; plan < planted.length; ) {
    const day = learned + Math.floor(random() * (days - learned));
    if (!at.has(day)) at.set(day, plan++);
  }
  const series: Record<(typeof planted)[number][1], Day[]> = { rows: [], invalid: [], duplicates: [] };
  for (let day = 0; day < days; day++) {
    const time = timeOf(day);
    const weekday = new Date(`${time}Z`).getUTCDay() || 7;
    const plan = planted[at.get(day) ?? -1];
    const add = (name: keyof typeof series, value: number, of?: number): number => {
      const isPlanned = plan?.[1] === name;
      const found = isPlanned ? plan[2](value) : value;
      const whole = of === undefined ? Math.round(found) : Math.round(found * of) / Math.max(1, of);
      series[name].push({
        time,
        value: whole,
        ...(of !== undefined && { of }),
        ...(isPlanned && { anomaly: plan[0] }),
      });
      return whole;
    };
    const expected = base * (1 + growth) ** day * (week[weekday - 1] as number);
    const rows = add('rows', expected * Math.exp(noise(random, sigma)) + noise(random, Math.sqrt(expected)));
    add(
      'invalid',
      Math.max(0, invalid * Math.exp(noise(random, 0.25)) + noise(random, Math.sqrt(invalid / Math.max(1, rows)))),
      rows,
    );
    add('duplicates', Math.max(0, 0.0005 + noise(random, 0.0002)), rows);
  }
  return [
    { nature: 'count', days: series.rows },
    { nature: 'share', days: series.invalid },
    { nature: 'share', days: series.duplicates },
  ];
}

type Judge = (nature: Nature, past: readonly Reading[], current: Reading) => boolean;

export const ours: Judge = (nature, past, current) => judge(nature, past, current).verdict === 'unusual';

const last14 = (past: readonly Reading[]): number[] => past.slice(-14).map(({ value }) => value);
export const threeSigma: Judge = (nature, past, { value }) => {
  const values = last14(past);
  if (values.length < 14) return false;
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const sigma = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1));
  return value > mean + 3 * sigma || (nature === 'count' && value < mean - 3 * sigma);
};
/** Half more or less than the mean of the last fortnight. */
export const halfOff: Judge = (nature, past, { value }) => {
  const values = last14(past);
  if (values.length < 14) return false;
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return value > mean * 1.5 || (nature === 'count' && value < mean * 0.5);
};

interface Tally {
  planted: number;
  found: number;
  judged: number;
  falseAlarms: number;
  readonly missed: Record<string, number>;
}

/** What a judge finds over many pipelines, each day after all days before it. */
export function tallyOf(judge: Judge, seeds: readonly number[]): Tally {
  const tally: Tally = { planted: 0, found: 0, judged: 0, falseAlarms: 0, missed: {} };
  for (const seed of seeds)
    for (const { nature, days } of months(seed))
      for (const [i, { anomaly, ...current }] of days.entries()) {
        const isAlarm = judge(nature, days.slice(0, i), current);
        tally.judged += 1;
        if (anomaly === undefined) tally.falseAlarms += isAlarm ? 1 : 0;
        else {
          tally.planted += 1;
          if (isAlarm) tally.found += 1;
          else tally.missed[anomaly] = (tally.missed[anomaly] ?? 0) + 1;
        }
      }
  return tally;
}
