import type { Vitals } from '../../domain/ports/vitals.ts';
import { runSeconds } from '../../domain/totals.ts';
import { type Family, gauge, numeral, type Sample } from './exposition.ts';

/** A histogram of the durations of ended runs. */
export function durations(totals: Vitals['totals']): Family {
  const name = 'sluice_run_seconds';
  const samples = totals
    .filter((total) => total.name === 'run_ms')
    .flatMap(({ pipeline, labels: [state = ''], n }) => {
      const labels = { pipeline, state };
      const inBucket = (limit: number): number =>
        totals.find(
          (each) =>
            each.name === 'run_buckets' &&
            each.pipeline === pipeline &&
            each.labels[0] === state &&
            each.labels[1] === String(limit),
        )?.n ?? 0;
      let count = 0;
      const buckets = runSeconds.map((limit): Sample => {
        count += inBucket(limit);
        return { labels: { ...labels, le: numeral(limit) }, value: count, suffix: '_bucket' };
      });
      return [...buckets, { labels, value: n / 1000, suffix: '_sum' }, { labels, value: count, suffix: '_count' }];
    });
  return { name, type: 'histogram', help: 'Durations of ended runs, from their start, in seconds.', samples };
}

/** What was found last of the sources and checks of each pipeline. */
export function findings(readings: Vitals['readings']): Family[] {
  const sources = readings.flatMap(({ pipeline, sources: all }) =>
    Object.entries(all).map(([source, found]) => ({ labels: { pipeline, source }, found })),
  );
  const of = (numberOf: (of: (typeof sources)[number]['found']) => number): Sample[] =>
    sources.map(({ labels, found }) => ({ labels, value: numberOf(found) }));
  return [
    gauge(
      'source_rows',
      'Rows of a source, at its last measurement.',
      of(({ rows }) => rows),
    ),
    gauge(
      'source_new_rows',
      'Rows of a source that the last published run had not read.',
      of((found) => found.new),
    ),
    gauge(
      'source_invalid_ratio',
      'The share of invalid rows of a source.',
      of(({ invalid, rows }) => (rows === 0 ? 0 : invalid / rows)),
    ),
    gauge(
      'source_duplicates',
      'Valid rows of a source whose key an earlier row has.',
      of(({ duplicates }) => duplicates),
    ),
    gauge(
      'check_broken',
      'Whether the last plan of a pipeline broke a check.',
      readings.flatMap(({ pipeline, checks }) =>
        Object.entries(checks).map(([check, isMet]) => ({ labels: { pipeline, check }, value: Number(!isMet) })),
      ),
    ),
  ];
}
