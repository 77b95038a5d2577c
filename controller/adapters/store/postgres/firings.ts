import type pg from 'pg';
import type { RunEvent } from '../../../domain/events.ts';
import type { NewRun } from '../../../domain/ports/store.ts';
import type { Entered, NewFiring, TriggerName } from '../../../domain/ports/triggers.ts';
import { entered, startedRun } from '../ledger.ts';
import type { Query } from './query.ts';

/** What the store gives to the ledger; `create` and `request` work within a transaction. */
export interface Within {
  readonly query: Query;
  readonly transaction: <T>(work: (client: pg.PoolClient) => Promise<T>) => Promise<T>;
  readonly create: (client: pg.PoolClient, run: NewRun) => Promise<unknown>;
  readonly request: (client: pg.PoolClient, run: string, at: number, event: RunEvent) => Promise<unknown>;
}

/** The runs of a trigger that have not begun to measure. */
export const waiting = (project: string, pipeline: string, trigger: string): string =>
  `FROM runs w WHERE w.project = ${project} AND w.pipeline = ${pipeline} AND w.trigger = ${trigger}
     AND w.ended IS NULL AND w.state = 'pending' AND NOT w.measuring`;

/** Enters a firing into the ledger, and starts or joins a run for it. */
export async function enter(
  client: pg.PoolClient,
  { create, request }: Pick<Within, 'create' | 'request'>,
  project: string,
  name: TriggerName,
  generation: number,
  firing: NewFiring,
): Promise<Entered> {
  const { key, due, until, count = 1, payload, replaces = [] } = firing;
  const asked = 'start' in firing.as ? { outcome: 'started', reason: null } : firing.as;
  const run = 'start' in firing.as ? firing.as.start.run : null;
  const json = payload === undefined ? null : JSON.stringify(payload);
  const values = [
    project,
    name.pipeline,
    name.trigger,
    generation,
    key,
    due,
    until ?? null,
    count,
    json,
    asked.outcome,
    asked.reason,
    run,
  ];
  const added = await client.query(
    `INSERT INTO firings AS f (project, pipeline, trigger, generation, key, due, until, count, payload, outcome, reason, run)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
     ON CONFLICT (project, pipeline, trigger, generation, key) DO UPDATE
       SET outcome = excluded.outcome, reason = excluded.reason, payload = coalesce(excluded.payload, f.payload),
         run = excluded.run, noted = now()
       WHERE f.outcome = ANY ($13)
     RETURNING number, CASE WHEN $12::text IS NOT NULL THEN
       ARRAY(SELECT w.run ${waiting('$1', '$2', '$3')} ORDER BY w.number DESC FOR UPDATE) END AS waiting`,
    [...values, replaces],
  );
  if (!added.rows[0]) {
    const there = await client.query(
      `SELECT key, outcome, reason, run FROM firings WHERE project = $1 AND pipeline = $2 AND trigger = $3 AND generation = $4 AND key = $5`,
      values.slice(0, 5),
    );
    return entered(there.rows[0], false);
  }
  if (!('start' in firing.as)) return entered({ key, ...firing.as }, true);
  const [{ number, waiting: there }] = added.rows;
  const { start, joins } = firing.as;
  const outcome = startedRun(firing.as, there);
  if (outcome.outcome === 'started') await create(client, { ...start, trigger: name.trigger });
  else {
    if (outcome.outcome === 'joined' && joins) await request(client, outcome.run as string, start.at, joins);
    await client.query('UPDATE firings SET outcome = $2, reason = $3, run = $4 WHERE number = $1', [
      number,
      outcome.outcome,
      outcome.reason,
      outcome.run ?? null,
    ]);
  }
  return entered({ key, ...outcome }, true);
}

/** Removes rows of the ledger that nothing needs any more. */
export async function removeFirings(
  query: Query,
  project: string,
  { ageMs, newest, limit }: { readonly ageMs: number; readonly newest: number; readonly limit: number },
): Promise<number> {
  const same = '(project, pipeline, trigger) = (t.project, t.pipeline, t.trigger)';
  const { rows } = await query(
    `DELETE FROM firings WHERE project = $1 AND number IN (
       SELECT old.number FROM triggers t, LATERAL (
         SELECT number FROM firings WHERE ${same} AND noted <= now() - $2 * interval '1 ms'
           AND run IS NULL AND outcome <> 'held'
           AND number <= (SELECT number FROM firings WHERE ${same} ORDER BY number DESC LIMIT 1 OFFSET $3)
         ORDER BY number LIMIT $4) old
       WHERE t.project = $1) RETURNING number`,
    [project, ageMs, newest, limit],
  );
  return rows.length;
}
