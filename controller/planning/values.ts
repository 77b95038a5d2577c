import type { Cause } from '../domain/events.ts';
import type { Profiles, Values } from '../domain/plan.ts';
import type { Measures } from '../domain/profile.ts';
import { lastFields } from '../pipeline/conditions.ts';
import { triggerValues } from './trigger-values.ts';

/**
 * The quality of a source, from 0 to 1: the share of valid rows, times the share of those whose key is not a duplicate.
 * An empty source has 1.
 */
export function sourceScore({ rows, valid, duplicates }: Measures): number {
  if (rows === 0) return 1;
  return valid === 0 ? 0 : (valid / rows) * ((valid - duplicates) / valid);
}

/**
 * The quality of a run's data: that of its worst source, because a report is only as good as the worst input of its
 * joins.
 */
export const qualityScore = (profiles: Profiles): number =>
  Math.min(1, ...Object.values(profiles).map((profile) => sourceScore(profile.measures)));

export function totals(
  profiles: Profiles,
): Record<'rows' | 'valid' | 'invalid' | 'duplicates' | 'bytes' | 'new', number> {
  const sum = (pick: (m: Measures) => number): number =>
    Object.values(profiles).reduce((total, profile) => total + pick(profile.measures), 0);
  return {
    rows: sum((m) => m.rows),
    valid: sum((m) => m.valid),
    invalid: sum((m) => m.invalid),
    duplicates: sum((m) => m.duplicates),
    bytes: sum((m) => m.bytes),
    new: sum((m) => m.new),
  };
}

/**
 * The values for conditions: the measures of each source under its name, `total`, `quality`, `now` (milliseconds since
 * 1970) and `trigger`, what started the run. A source's `last` has the measures of the last published run; its own in the first run.
 */
export function conditionValues(profiles: Profiles, now: number, cause?: Cause): Values {
  const whole = (numbers: Readonly<Record<string, number>>): Record<string, bigint> =>
    Object.fromEntries(Object.entries(numbers).map(([name, n]) => [name, BigInt(Math.round(n))]));
  const sources = Object.entries(profiles).map(([name, { measures, last = measures }]) => {
    const { rows, valid, invalid, duplicates, bytes, nulls, latest = {} } = measures;
    return [
      name,
      {
        ...whole({ rows, valid, invalid, duplicates, bytes, new: measures.new }),
        invalid_ratio: rows === 0 ? 0 : invalid / rows,
        score: sourceScore(measures),
        nulls: whole(nulls),
        latest: Object.fromEntries(Object.entries(latest).map(([column, at]) => [column, new Date(at)])),
        last: whole(Object.fromEntries(lastFields.map((field) => [field, last[field]]))),
      },
    ];
  });
  return {
    ...Object.fromEntries(sources),
    total: whole(totals(profiles)),
    quality: { score: qualityScore(profiles) },
    now: new Date(now),
    ...triggerValues(cause, now),
  };
}
