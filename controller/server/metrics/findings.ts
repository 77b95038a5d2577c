import type { Vitals } from '../../domain/ports/vitals.ts';
import { runSeconds } from '../../domain/totals.ts';
import { type Family, gauge, numeral, type Sample } from './exposition.ts';

/** A histogram of the durations of ended runs. */
export function durations(totals: Vitals['totals']): Family {
  const found = new Map<string, { labels: Record<string, string>; buckets: Map<string, number>; ms: number }>();
  for (const { name, pipeline, labels, n } of totals) {
    if (name !== 'run_buckets' && name !== 'run_ms') continue;
    const [state = '', limit = ''] = labels;
    const key = JSON.stringify([pipeline, state]);
    const of = found.get(key) ?? { labels: { pipeline, state }, buckets: new Map(), ms: 0 };
    found.set(key, of);
    if (name === 'run_ms') of.ms = n;
    else of.buckets.set(limit, n);
  }
  const samples = [...found.values()].flatMap(({ labels, buckets, ms }) => {
    let count = 0;
    const cumulative = runSeconds.map((limit): Sample => {
      count += buckets.get(String(limit)) ?? 0;
      return { labels: { ...labels, le: numeral(limit) }, value: count, suffix: '_bucket' };
    });
    return [...cumulative, { labels, value: ms / 1000, suffix: '_sum' }, { labels, value: count, suffix: '_count' }];
  });
  const help = 'Durations of ended runs, from their start, in seconds.';
  return { name: 'sluice_run_seconds', type: 'histogram', help, samples };
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
