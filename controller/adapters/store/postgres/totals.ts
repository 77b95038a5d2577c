import type pg from 'pg';
import type { Count, Readings } from '../../../domain/totals.ts';

/** Adds counts to the totals of a pipeline, the last of all rows that a transaction shares with others. */
export async function addTotals(
  client: pg.PoolClient,
  project: string,
  pipeline: string,
  counts: readonly Count[],
): Promise<void> {
  if (counts.length === 0) return;
  await client.query(
    `INSERT INTO totals AS t (project, pipeline, name, labels, n)
     SELECT $1, $2, name, labels::text, n
     FROM ROWS FROM (json_to_recordset($3::json) AS (name text, labels json, n bigint)) WITH ORDINALITY AS c (name, labels, n, i)
     ORDER BY i
     ON CONFLICT (project, pipeline, name, labels) DO UPDATE SET n = t.n + excluded.n`,
    [project, pipeline, JSON.stringify(counts)],
  );
}

/** Replaces what was found last of a pipeline. */
export async function setReadings(
  client: pg.PoolClient,
  project: string,
  pipeline: string,
  { sources, checks }: Partial<Readings>,
): Promise<void> {
  if (!sources && !checks) return;
  await client.query(
    `INSERT INTO readings AS r (project, pipeline, sources, checks) VALUES ($1, $2, $3, $4)
     ON CONFLICT (project, pipeline) DO UPDATE
     SET sources = coalesce(excluded.sources, r.sources), checks = coalesce(excluded.checks, r.checks)`,
    [project, pipeline, sources ? JSON.stringify(sources) : null, checks ? JSON.stringify(checks) : null],
  );
}
