import type { Cause } from '../domain/events.ts';
import type { Compared, Nature, Past, Reading } from '../domain/past.ts';
import type { Pipeline } from '../domain/pipeline.ts';
import type { Profiles } from '../domain/plan.ts';
import type { PastRun } from '../domain/ports/past-index.ts';
import type { Measures } from '../domain/profile.ts';
import type { RunState } from '../domain/state.ts';
import { formatDuration } from '../lib/duration.ts';
import { rejected } from '../lib/errors.ts';
import { normalIn } from '../pipeline/normal-calls.ts';
import { judge } from './normal.ts';
import { wallTime } from './trigger-values.ts';

/** The measures that a pipeline's checks compare with earlier runs, by their paths. */
export const comparedIn = ({ checks }: Pipeline): string[] => [
  ...new Set(checks.flatMap(({ expect }) => (expect === undefined ? [] : normalIn(expect)))),
];

/** To a full refresh all rows are new, which no other run is comparable with. */
export const isOfNewRows = (path: string): boolean => path.split('.')[1] === 'new';

/** The readings of earlier runs, which are given newest first. Of the run itself there is none. Pure. */
export function pastOf(paths: readonly string[], runs: readonly PastRun[], itself?: string): Past {
  const earlier = runs.filter(({ run }) => run !== itself).toReversed();
  return Object.fromEntries(
    paths.map((path) => [
      path,
      earlier.flatMap(({ at, cause, isFullRefresh, measures }) => {
        const [source, ...field] = path.split('.');
        const found = measures[source as string];
        if (!found || (isFullRefresh && isOfNewRows(path))) return [];
        return readingOf(field, found, wallTime(cause, at), at) ?? [];
      }),
    ]),
  );
}

/**
 * Compares measures of a run with those of earlier runs. `now` is when it was measured. Throws a rejected SluiceError
 * for a column that the source lacks. Pure.
 */
export function compare(
  paths: readonly string[],
  { profiles, past = {} }: { readonly profiles: Profiles; readonly past?: Past | undefined },
  now: number,
  cause: Cause | undefined,
): Compared[] {
  return paths.map((measure) => {
    const [source, ...field] = measure.split('.');
    const nature = natureOf(field[0] as string);
    const before = past[measure] ?? [];
    const measures = profiles[source as string]?.measures;
    const [, column] = field;
    if (column !== undefined && measures && !Object.hasOwn(measures.nulls, column))
      throw rejected(`normal(${measure}): ${source} has no column ${column}`, 'correct the check');
    const current = measures && readingOf(field, measures, wallTime(cause, now), now);
    const judged = current ? judge(nature, before, current) : { verdict: 'unknown' as const, runs: 0 };
    return { measure, nature, ...judged };
  });
}

/** The path of how long a run took. */
const durationPath = 'run.duration';

/**
 * Compares a run that was measured with those before it, which are given newest first: rows, invalid rows, duplicates
 * and the age of each source, and how long the run took when it has published. Pure.
 */
export function compareRun(state: RunState, runs: readonly PastRun[]): Compared[] {
  const { run, profiles = {}, measuredAt = 0, startedAt = 0, cause, ended } = state;
  const paths = Object.entries(profiles).flatMap(([source, { measures }]) =>
    [
      'rows',
      'invalid_ratio',
      'duplicates',
      ...Object.keys(measures.latest ?? {}).map((column) => `latest.${column}`),
    ].map((field) => `${source}.${field}`),
  );
  const compared = compare(paths, { profiles, past: pastOf(paths, runs, run) }, measuredAt, cause);
  if (ended?.state !== 'succeeded' && ended?.state !== 'degraded') return compared;
  const took = runs
    .toReversed()
    .flatMap(({ run: other, ms, cause: of, at }) =>
      ms === undefined || other === run ? [] : { time: wallTime(of, at), value: ms / 1000 },
    );
  const current = { time: wallTime(cause, measuredAt), value: (ended.at - startedAt) / 1000 };
  return [...compared, { measure: durationPath, nature: 'seconds', ...judge('seconds', took, current) }];
}

const natureOf = (field: string): Nature =>
  field === 'latest'
    ? 'seconds'
    : ['invalid', 'invalid_ratio', 'duplicates', 'nulls'].includes(field)
      ? 'share'
      : 'count';

/** What a field of the measures says; undefined when it says nothing, such as the share of no rows. */
function readingOf(
  [field, column = '']: readonly string[],
  measures: Measures,
  time: string,
  at: number,
): Reading | undefined {
  const share = (part: number | undefined, of: number): Reading | undefined =>
    part === undefined || of === 0 ? undefined : { time, value: part / of, of };
  switch (field) {
    case 'invalid':
    case 'invalid_ratio':
      return share(measures.invalid, measures.rows);
    case 'duplicates':
      return share(measures.duplicates, measures.valid);
    case 'nulls':
      return share(measures.nulls[column], measures.rows);
    case 'latest': {
      const latest = Date.parse(measures.latest?.[column] ?? '');
      return Number.isNaN(latest) ? undefined : { time, value: Math.max(0, Math.round((at - latest) / 1000)) };
    }
    default: {
      const value = measures[field as 'rows'];
      return typeof value === 'number' ? { time, value } : undefined;
    }
  }
}

const weekdays = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

/** A comparison in one clause, with all its numbers. */
export function comparedText({ measure, nature, verdict, value, runs, weekday, hour, ...band }: Compared): string {
  const shown = (n: number): string =>
    nature === 'share'
      ? `${Number((n * 100).toPrecision(3))} %`
      : nature === 'seconds'
        ? formatDuration(n * 1000)
        : String(Math.round(n));
  const what = nature === 'seconds' && measure !== durationPath ? `the age of ${measure}` : measure;
  if (value === undefined) return `${what} has no value to compare`;
  const { median, low = 0, high } = band;
  if (median === undefined || high === undefined)
    return `${what} = ${shown(value)}: too few runs to compare (${runs} earlier ones count)`;
  const expected = nature === 'count' ? `${shown(low)} to ${shown(high)}` : `at most ${shown(high)}`;
  const alike =
    weekday !== undefined ? ` on a ${weekdays[weekday - 1]}` : hour === undefined ? '' : ` at ${hour} o’clock`;
  return `${what} = ${shown(value)} is ${verdict}: ${expected} expected, from a median of ${shown(median)} in ${runs} runs${alike}`;
}
