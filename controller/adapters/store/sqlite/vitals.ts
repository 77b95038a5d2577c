import type { VitalsStore } from '../../../domain/ports/vitals.ts';
import { hasPublished, vitalsFrom } from '../summary.ts';
import type { Database } from './database.ts';
import { isOurs } from './outbox.ts';

/** What monitoring reads, in SQLite. */
export function vitalsOf(db: Database, project: string, clock: () => number): VitalsStore {
  const rowsOf = (sql: string) => db.all(sql, { project });
  // The totals name the pipelines: the runs of each are many.
  const last = (condition: string) =>
    rowsOf(
      `SELECT pipeline, run, state, ended AS at, quality, rows FROM runs WHERE number IN (
         SELECT (SELECT max(number) FROM runs
           WHERE project = $project AND pipeline = p.pipeline AND ended IS NOT NULL AND ${condition})
         FROM (SELECT DISTINCT pipeline FROM totals WHERE project = $project) p) ORDER BY pipeline`,
    );
  return {
    vitals: async () =>
      vitalsFrom({
        now: clock(),
        totals: rowsOf(
          'SELECT pipeline, name, labels, n FROM totals WHERE project = $project ORDER BY pipeline, name, labels',
        ),
        open: rowsOf(
          `SELECT pipeline, state, count(*) AS runs, min(started) AS oldest FROM runs
           WHERE project = $project AND ended IS NULL GROUP BY pipeline, state ORDER BY pipeline, state`,
        ),
        ended: last('true'),
        published: last(hasPublished),
        outbox: rowsOf(
          `SELECT channel, count(*) AS messages, min(entered) AS oldest FROM outbox o LEFT JOIN runs USING (run)
           WHERE o.state = 'waiting' AND ${isOurs} GROUP BY channel ORDER BY channel`,
        ),
        readings: rowsOf('SELECT pipeline, sources, checks FROM readings WHERE project = $project ORDER BY pipeline'),
        applications: db.first('SELECT count(*) AS n FROM applications')?.n,
      }),
  };
}
