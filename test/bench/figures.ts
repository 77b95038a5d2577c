import type { Comparison } from './compare.ts';
import type { ScaleRun } from './scale.ts';

/** The parts of the benchmarks, in the order of the page. */
export const parts = [
  'help',
  'noop',
  'steps',
  'livy',
  'history',
  'serve',
  'pages',
  'tiny',
  'report',
  'standby',
  'count',
  'large',
  'scale',
] as const;
export type Part = (typeof parts)[number];

/** What the benchmarks found: docs/benchmarks.json, from which the page is written. */
export interface Figures {
  /** The comparisons of each part, with the day they were measured on, as 2026-01-31. */
  readonly parts: Partial<Record<Part, { readonly day: string; readonly comparisons: readonly Comparison[] }>>;
  readonly scale: readonly ScaleRun[];
}
