import type { RunSummary } from '../../domain/ports/store.ts';

// biome-ignore lint/suspicious/noExplicitAny: a row has the columns that its query names
export type Row = Record<string, any>;

/** The SQL condition of runs with published results, on the table of runs. */
export const hasPublished = `state IN ('succeeded', 'degraded')`;

export const summaryColumns = 'run, number, pipeline, state, branch, reason, started, ended, trigger, quality, rows';
/** A pattern of LIKE for a name in which `*` stands for any text. */
export const likeOf = (glob: string): string => glob.replace(/[\\%_]/g, '\\$&').replaceAll('*', '%');

/** The summary of a run from a row of these columns. */
export const summaryOf = (row: Row): RunSummary => ({
  run: row.run,
  number: row.number,
  pipeline: row.pipeline,
  state: row.state,
  branch: row.branch ?? undefined,
  reason: row.reason ?? undefined,
  started: row.started,
  ended: row.ended ?? undefined,
  trigger: row.trigger ?? undefined,
  quality: row.quality ?? undefined,
  rows: row.rows ?? undefined,
});
