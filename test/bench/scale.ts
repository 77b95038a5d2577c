import { loadavg } from 'node:os';
import type { Peaks } from './peaks.ts';

/** The engines whose curves are drawn. */
export const engines = ['spark', 'embedded'] as const;
export type Engine = (typeof engines)[number];

/** One run of customer-report. Seconds. */
export interface ScaleRun {
  readonly rows: number;
  readonly engine: Engine;
  readonly whole: number;
  readonly job: number;
  readonly measuring: number;
  readonly peaks: Peaks;
  /** Of the job; more than one when memory ran out. Not known of the first figures. */
  readonly attempts?: number;
  /** The load of the machine when it began. */
  readonly load: number;
}

/** On both engines the memory that a job may take, whatever its input. */
const memory = '4g';

/** Runs customer-report over each number of rows, on both engines in turns. */
export async function* scaleRuns(sizes: readonly number[], times: number): AsyncGenerator<ScaleRun> {
  const { fill, variant, watchedRun } = await import('./stack.ts');
  for (const rows of sizes) {
    await fill(rows);
    for (let i = 0; i < times; i++)
      for (const engine of i % 2 === 0 ? engines : engines.toReversed()) {
        const load = loadavg()[0] ?? Number.NaN;
        const file = await variant(`scale-${engine}`, { engine, executorMemory: memory, timeout: '3h' });
        const { whole, spark: job, measuring, peaks, doc } = await watchedRun(file);
        const attempts = doc.steps.flatMap((step) => step.attempts).length;
        yield { rows, engine, whole, job, measuring, peaks, attempts, load };
      }
  }
}
