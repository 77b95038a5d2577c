import type pg from 'pg';
import type { RunSummary } from '../../../domain/ports/store.ts';

/** A query of the pool, answered or explained. */
export type Query = (sql: string, values?: unknown[]) => Promise<pg.QueryResult>;

export const summaryColumns = 'run, number, pipeline, state, branch, reason, started, ended, quality, rows';

export const summaryOf = (row: pg.QueryResultRow): RunSummary => ({
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
