import type pg from 'pg';
import { rejected } from '../../../lib/errors.ts';
import { steps } from './schema.ts';

/** A migration rewrites tables of any size. Milliseconds. */
const migratingMs = 3_600_000;
const long = (text: string, values: unknown[] = []): pg.QueryConfig & { query_timeout: number } => ({
  text,
  values,
  query_timeout: migratingMs,
});

/** An arbitrary number for an advisory lock: controllers that start together migrate in turn. */
const lockNumber = 7_301_960_411;

/**
 * Migrates the schema up to this program's version, or to `wanted`. Throws `rejected` when the store has a newer
 * version.
 */
export async function migrate(client: pg.ClientBase, wanted = steps.length): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(long('SELECT pg_advisory_xact_lock($1)', [lockNumber]));
    await client.query('CREATE TABLE IF NOT EXISTS schema_version (version integer NOT NULL)');
    const { rows } = await client.query('SELECT max(version) AS version FROM schema_version');
    const version: number = rows[0].version ?? 0;
    if (version > steps.length) {
      throw rejected(
        `the run store is of schema version ${version}, and this Sluice knows ${steps.length}`,
        'use the newer Sluice that made it',
      );
    }
    for (const [index, sql] of steps.entries()) {
      if (index < version || index >= wanted) continue;
      await client.query(long(sql));
      await client.query('INSERT INTO schema_version VALUES ($1)', [index + 1]);
    }
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/**
 * Moves the runs of a project's former names to its name, in one transaction. When several projects claim them, one
 * gets them.
 */
export async function adoptLegacyRuns(
  client: pg.ClientBase,
  project: string,
  formerNames: readonly string[],
): Promise<void> {
  const { rows } = await client.query('SELECT FROM runs WHERE project = ANY ($1) LIMIT 1', [formerNames]);
  if (rows.length === 0) return;
  await client.query(
    long(
      `WITH moved AS (UPDATE runs SET project = $1 WHERE project = ANY ($2) RETURNING run)
       UPDATE events SET project = $1 WHERE run IN (SELECT run FROM moved)`,
      [project, formerNames],
    ),
  );
}
