import type { Judgement, Nature, Reading } from '../domain/past.ts';

/** The runs of a pipeline that are worth reading for a comparison: of an hourly one, those of eight days. */
export const comparedRuns = 200;

/** Values before a run whose median is its level: those of a week, for a daily run. */
const levelRuns = 7;
/** Fewer say too little of a level. */
const fewestForLevel = 5;
/** Runs of the same weekday or hour that are compared: the last ones, and at least so many. */
const mostAlike = 8;
const fewestAlike = 3;
/** Runs of each weekday or hour that show how much they differ; so many at least, of all of them together. */
const mostOfSpread = 26;
const fewestOfSpread = 8;
/** Half the width of the band, in standard deviations. */
const width = 4.5;
/** Makes the median of absolute deviations the standard deviation of normally distributed values. */
const madToSigma = 1.4826;

/** A scale on which the noise of a measure does not depend on its size. */
interface Scale {
  readonly to: (value: number) => number;
  readonly from: (y: number) => number;
  /** The least standard deviation that is assumed, at a level. */
  readonly least: (level: number) => number;
}

function scaleOf(nature: Nature, readings: readonly Reading[]): Scale {
  if (nature === 'count')
    return {
      to: Math.log1p,
      from: (y) => Math.max(0, Math.expm1(y)),
      least: (level) => Math.max(0.01, 0.5 / Math.exp(level / 2)),
    };
  if (nature === 'seconds') {
    // Half a minute more or less says nothing.
    const offset = 30;
    return {
      to: (x) => Math.log(offset + Math.max(0, x)),
      from: (y) => Math.max(0, Math.exp(y) - offset),
      least: () => 0.05,
    };
  }
  // A few rows, or one in a thousand, say nothing.
  const least = 0.002 + 3 / (1 + median(readings.map(({ of = 1000 }) => of)));
  return {
    to: (p) => Math.log((p + least) / (1 - p + least)),
    from: (y) => {
      const odds = Math.exp(y);
      return Math.min(1, Math.max(0, (odds * (1 + least) - least) / (1 + odds)));
    },
    least: () => 0.1,
  };
}

/**
 * Compares a measure with those of earlier runs. Each is taken relative to its level, the median of the seven values
 * before it, so that growth is not unusual, and a new level not for long. What remains is compared with the last runs
 * of the same weekday, of the same hour for a pipeline that runs more often than daily, or with all runs where those
 * are too few. The band is their median and 4.5 standard deviations, which the median of absolute deviations
 * estimates: outliers in the history hardly matter. Pure.
 */
export function judge(nature: Nature, past: readonly Reading[], current: Reading): Judgement {
  const { value } = current;
  const before = comparable(past, current);
  const scale = scaleOf(nature, [...before, current]);
  const ys = before.map((each) => scale.to(each.value));
  const isByDay = isDaily(before);
  const slotOf = isByDay ? weekdayOf : hourOf;
  const slots = before.map(({ time }) => slotOf(time));
  const slot = slotOf(current.time);
  const inSlot = (values: readonly number[], wanted: number, most = mostAlike): number[] =>
    values.filter((_, i) => slots[i + fewestForLevel] === wanted).slice(-most);
  const rough = relative(ys);
  if (rough.length < fewestOfSpread) return { verdict: 'unknown', value, runs: before.length };
  const isAlike = inSlot(rough, slot).length >= fewestAlike;
  const seasonOf = (of: number): number => {
    const values = isAlike ? inSlot(rough, of) : [];
    return values.length < fewestAlike ? 0 : median(values);
  };
  const seasons = new Map([...new Set([...slots, slot])].map((of) => [of, seasonOf(of)]));
  const ofSeason = (of: number): number => seasons.get(of) ?? 0;
  const levels = ys.map((y, i) => y - ofSeason(slots[i] as number));
  const residuals = relative(levels);
  const group = isAlike ? inSlot(residuals, slot) : residuals;
  const level = levelAt(levels, levels.length) + ofSeason(slot);
  const groups = isAlike ? [...seasons.keys()].map((of) => inSlot(residuals, of, mostOfSpread)) : [group];
  const errors = groups.flatMap((each) => (each.length < fewestAlike ? [] : errorsOf(each)));
  // Few values may be close to each other by chance.
  const sigma = Math.max(scale.least(level), madToSigma * median(errors) * (1 + 4 / errors.length));
  const center = median(group);
  // Runs of other weekdays may be among them, whose values are usual on those days.
  const range = isAlike && isByDay ? [] : [Math.min(...group) - 2 * sigma, Math.max(...group) + 2 * sigma];
  const low = scale.from(level + Math.min(center - width * sigma, ...range));
  const high = scale.from(level + Math.max(center + width * sigma, ...range));
  const isUnusual = value > high || (nature === 'count' && value < low);
  return {
    verdict: isUnusual ? 'unusual' : 'normal',
    value,
    runs: group.length,
    ...(isAlike && (isByDay ? { weekday: slot } : { hour: slot })),
    median: scale.from(level + center),
    low: nature === 'count' ? low : 0,
    high,
  };
}

/** The level before a value: the median of the seven before it. */
const levelAt = (ys: readonly number[], i: number): number => median(ys.slice(Math.max(0, i - levelRuns), i));
/** Values relative to their levels, from the first one that has a level. */
const relative = (ys: readonly number[]): number[] =>
  ys.slice(fewestForLevel).map((y, i) => y - levelAt(ys, i + fewestForLevel));

/** How far each value is from the median of the others. */
const errorsOf = (values: readonly number[]): number[] =>
  values.map((value, i) => Math.abs(value - median(values.filter((_, other) => other !== i))));

/**
 * The readings to compare with, in the order of their times: one for each time, the newest. Of runs that are a day
 * apart or more, one for each day, and none of the same day: a repetition of a run is no further evidence.
 */
function comparable(past: readonly Reading[], { time }: Reading): Reading[] {
  const once = (key: (time: string) => string, readings: readonly Reading[]): Reading[] => [
    ...new Map(readings.map((each) => [key(each.time), each])).values(),
  ];
  const before = once((at) => at, past)
    .filter((each) => each.time < time)
    .sort((a, b) => (a.time < b.time ? -1 : 1));
  return isDaily(before) ? once(dayOf, before).filter((each) => dayOf(each.time) < dayOf(time)) : before;
}

const isDaily = (readings: readonly Reading[]): boolean =>
  readings.length <= 1.5 * new Set(readings.map(({ time }) => dayOf(time))).size;

const dayOf = (time: string): string => time.slice(0, 10);
const hourOf = (time: string): number => Number(time.slice(11, 13));
const weekdayOf = (time: string): number => new Date(`${dayOf(time)}T00:00:00Z`).getUTCDay() || 7;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}
