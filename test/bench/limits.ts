import { setTimeout as sleep } from 'node:timers/promises';
import type { Comparison } from './compare.ts';

/** Figures that have a limit instead of a rival. */

/** The value below which a share of the values lies. */
export const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;

/** Milliseconds of requests that are sent at a rate, whether or not earlier ones were answered. */
export async function times(
  perSecond: number,
  seconds: number,
  ask: (i: number) => Promise<Response>,
): Promise<number[]> {
  const begun = performance.now();
  const all = Array.from({ length: perSecond * seconds }, async (_, i) => {
    await sleep(begun + (i * 1000) / perSecond - performance.now());
    const from = performance.now();
    const response = await ask(i);
    await response.arrayBuffer();
    if (response.status >= 300) throw new Error(`${response.url} answered ${response.status}`);
    return performance.now() - from;
  });
  return Promise.all(all);
}

/** A figure with its limit. */
export const figure = (
  name: string,
  value: number,
  limit: number,
  unit: 'ms' | 'MB' | 'KB' | '%' | 'per s' | 'lines',
): Comparison =>
  ({ name, ours: [value], theirs: [limit], unit, against: `a limit of ${limit} ${unit}`, atMost: 1 }) as Comparison;
