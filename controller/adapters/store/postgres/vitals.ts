import type pg from 'pg';
import type { VitalsStore } from '../../../domain/ports/vitals.ts';
import type { Count } from '../../../domain/totals.ts';
import { hasPublished, vitalsFrom } from '../summary.ts';
import type { Query } from './query.ts';

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

/** What monitoring reads, in PostgreSQL. */
export function vitalsOf(query: Query, project: string): VitalsStore {
  const rowsOf = async (sql: string) => (await query(sql, [project])).rows;
  // The totals name the pipelines: the runs of each are many.
  const last = (condition: string): string =>
    `SELECT r.* FROM (SELECT DISTINCT pipeline FROM totals WHERE project = $1) p, LATERAL (
       SELECT pipeline, state, ended AS at, quality, rows FROM runs
       WHERE project = $1 AND pipeline = p.pipeline AND ended IS NOT NULL AND ${condition}
       ORDER BY number DESC LIMIT 1) r ORDER BY pipeline`;
  return {
    async vitals() {
      const [totals, open, ended, published, outbox, [first]] = await Promise.all([
        rowsOf('SELECT pipeline, name, labels, n FROM totals WHERE project = $1 ORDER BY pipeline, name, labels'),
        rowsOf(
          `SELECT pipeline, state, count(*) AS runs, min(started) AS oldest FROM runs
           WHERE project = $1 AND ended IS NULL GROUP BY pipeline, state ORDER BY pipeline, state`,
        ),
        rowsOf(last('true')),
        rowsOf(last(hasPublished)),
        rowsOf(
          `SELECT channel, count(*) AS messages FROM outbox o JOIN runs USING (run)
           WHERE o.state = 'waiting' AND project = $1 GROUP BY channel ORDER BY channel`,
        ),
        rowsOf(
          `SELECT count(*) AS applications, (extract(epoch FROM now()) * 1000)::bigint AS now FROM applications
           WHERE $1::text IS NOT NULL`,
        ),
      ]);
      return vitalsFrom({ totals, open, ended, published, outbox, ...first });
    },
  };
}
