import type { Count, Readings } from '../../../domain/totals.ts';
import type { Database } from './database.ts';

/** Adds counts to the totals of a pipeline, within a transaction. */
export function addTotals(db: Database, project: string, pipeline: string, counts: readonly Count[]): void {
  for (const { name, labels, n } of counts)
    db.all(
      `INSERT INTO totals (project, pipeline, name, labels, n) VALUES ($project, $pipeline, $name, $labels, $n)
       ON CONFLICT (project, pipeline, name, labels) DO UPDATE SET n = totals.n + excluded.n`,
      { project, pipeline, name, labels: JSON.stringify(labels), n },
    );
}

/** Replaces what was found last of a pipeline, within a transaction. */
export function setReadings(
  db: Database,
  project: string,
  pipeline: string,
  { sources, checks }: Partial<Readings>,
): void {
  if (!sources && !checks) return;
  db.all(
    `INSERT INTO readings (project, pipeline, sources, checks) VALUES ($project, $pipeline, $sources, $checks)
     ON CONFLICT (project, pipeline) DO UPDATE
     SET sources = coalesce(excluded.sources, sources), checks = coalesce(excluded.checks, checks)`,
    { project, pipeline, sources: sources && JSON.stringify(sources), checks: checks && JSON.stringify(checks) },
  );
}
