import type { RunSummary } from '../../domain/ports/store.ts';

// biome-ignore lint/suspicious/noExplicitAny: a row has the columns that its query names
export type Row = Record<string, any>;

/** The runs whose results readers have got, as a condition on the table of runs. */
export const hasPublished = `state IN ('succeeded', 'degraded')`;

export const summaryColumns = 'run, number, pipeline, state, branch, reason, started, ended, quality, rows';

/** What a row of these columns says of its run. */
export const summaryOf = (row: Row): RunSummary => ({
  run: row.run,
  number: row.number,
  pipeline: row.pipeline,
  state: row.state,
  branch: row.branch ?? undefined,
  reason: row.reason ?? undefined,
  started: row.started,
  ended: row.ended ?? undefined,
  quality: row.quality ?? undefined,
  rows: row.rows ?? undefined,
});
