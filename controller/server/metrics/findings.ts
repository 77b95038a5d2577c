import type { Vitals } from '../../domain/ports/vitals.ts';
import { type Family, gauge, type Sample } from './exposition.ts';

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
