import type { VitalsStore } from '../../../domain/ports/vitals.ts';
import { hasPublished, vitalsFrom } from '../summary.ts';
import { isOurs } from './outbox.ts';
import type { Query } from './query.ts';

/** What monitoring reads, in PostgreSQL. */
export function vitalsOf(query: Query, project: string): VitalsStore {
  const rowsOf = async (sql: string) => (await query(sql, [project])).rows;
  // The totals name the pipelines: the runs of each are many.
  const last = (condition: string): string =>
    `SELECT r.* FROM (SELECT DISTINCT pipeline FROM totals WHERE project = $1) p, LATERAL (
       SELECT pipeline, run, state, ended AS at, quality, rows FROM runs
       WHERE project = $1 AND pipeline = p.pipeline AND ended IS NOT NULL AND ${condition}
       ORDER BY number DESC LIMIT 1) r ORDER BY pipeline`;
  return {
    async vitals() {
      const [totals, open, ended, published, outbox, readings, [first]] = await Promise.all([
        rowsOf('SELECT pipeline, name, labels, n FROM totals WHERE project = $1 ORDER BY pipeline, name, labels'),
        rowsOf(
          `SELECT pipeline, state, count(*) AS runs, min(started) AS oldest FROM runs
           WHERE project = $1 AND ended IS NULL GROUP BY pipeline, state ORDER BY pipeline, state`,
        ),
        rowsOf(last('true')),
        rowsOf(last(hasPublished)),
        rowsOf(
          `SELECT channel, count(*) AS messages, (extract(epoch FROM min(entered)) * 1000)::bigint AS oldest
           FROM outbox o LEFT JOIN runs USING (run)
           WHERE o.state = 'waiting' AND ${isOurs} GROUP BY channel ORDER BY channel`,
        ),
        rowsOf('SELECT pipeline, sources, checks FROM readings WHERE project = $1 ORDER BY pipeline'),
        rowsOf(
          `SELECT count(*) AS applications, (extract(epoch FROM now()) * 1000)::bigint AS now FROM applications
           WHERE $1::text IS NOT NULL`,
        ),
      ]);
      return vitalsFrom({ totals, open, ended, published, outbox, readings, ...first });
    },
  };
}
