import type { FiringRecord, TriggerStore } from '../../../domain/ports/triggers.ts';
import { firingOf } from '../ledger.ts';
import { likeOf, type Row } from '../summary.ts';
import type { Database } from './database.ts';

const columns = 'number, pipeline, trigger, generation, key, due, until, count, outcome, reason, run, payload, noted';

/** A row with some of its columns read as JSON. */
export const parsed = (row: Row, ...fields: string[]): Row => ({
  ...row,
  ...Object.fromEntries(fields.map((field) => [field, row[field] === null ? null : JSON.parse(row[field])])),
});

export const rowsOf = (
  db: Database,
  where: string,
  values: Record<string, string | number | undefined>,
): FiringRecord[] =>
  db.all(`SELECT ${columns} FROM firings WHERE ${where}`, values).map((row) => firingOf(parsed(row, 'payload')));

/** The rows of the ledger, in SQLite. */
export function ledgerOf(
  db: Database,
  project: string,
  clock: () => number,
): Pick<TriggerStore, 'firings' | 'removeFirings'> {
  return {
    firings: async ({ pipelines, pipeline, trigger, outcome, run, key, at, since, until, before, limit }) =>
      rowsOf(
        db,
        `project = $project AND ($pipeline IS NULL OR pipeline = $pipeline) AND ($trigger IS NULL OR trigger = $trigger)
           AND ($outcome IS NULL OR outcome = $outcome) AND ($run IS NULL OR run = $run)
           AND ($key IS NULL OR key = $key OR substr(key, 1, length($key) + 7) = $key || ' again-')
           AND ($at IS NULL OR $at BETWEEN due AND coalesce(until, due)) AND ($before IS NULL OR number < $before)
           AND ($since IS NULL OR coalesce(until, due) >= $since) AND ($until IS NULL OR due < $until)
           AND ($like IS NULL OR EXISTS (SELECT 1 FROM json_each($like) WHERE pipeline LIKE value ESCAPE '\\'))
         ORDER BY number DESC LIMIT $limit`,
        {
          ...{ project, pipeline, trigger, outcome, run, key, at, since, until, before, limit },
          like: pipelines && JSON.stringify(pipelines.map(likeOf)),
        },
      ),

    removeFirings: (ageMs, newest, limit) =>
      db.write(() => {
        const is = 'project = $project AND pipeline = $pipeline AND trigger = $trigger';
        const names = db.all('SELECT pipeline, trigger FROM triggers WHERE project = $project', { project });
        return names.reduce((sum, { pipeline, trigger }) => {
          const named = { project, pipeline, trigger };
          const removed = db.all(
            `DELETE FROM firings WHERE number IN (
               SELECT number FROM firings WHERE ${is} AND noted <= $noted AND run IS NULL AND outcome <> 'held'
                 AND number <= (SELECT number FROM firings WHERE ${is} ORDER BY number DESC LIMIT 1 OFFSET $newest)
               ORDER BY number LIMIT $limit) RETURNING number`,
            { ...named, noted: clock() - ageMs, newest, limit },
          );
          return sum + removed.length;
        }, 0);
      }),
  };
}
