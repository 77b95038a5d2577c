import type { NewRun, TriggerName, TriggerStore } from '../../../domain/ports/store.ts';
import type { Database } from './database.ts';

/** Triggers and their firings, in SQLite. `create` registers a run within the transaction. */
export function triggersOf(
  db: Database,
  create: (run: NewRun) => unknown,
  project: string,
  clock: () => number,
): TriggerStore {
  const is = 'project = $project AND pipeline = $pipeline AND trigger = $trigger';
  const named = ({ pipeline, trigger }: TriggerName) => ({ project, pipeline, trigger });
  return {
    async trigger(name) {
      const known = () => db.first(`SELECT seq, armed, cursor FROM triggers WHERE ${is}`, named(name));
      if (!known())
        await db.write(() =>
          db.all(
            `INSERT INTO triggers (project, pipeline, trigger, armed) VALUES ($project, $pipeline, $trigger, $now)
             ON CONFLICT DO NOTHING`,
            { ...named(name), now: clock() },
          ),
        );
      const row = known();
      const cursor = row?.cursor === null ? undefined : JSON.parse(row?.cursor);
      return { seq: row?.seq, armed: row?.armed, now: clock(), cursor };
    },

    fire: (name, { seq }, firings, cursor) =>
      db.write(() => {
        const seen = db.first(
          `UPDATE triggers SET seq = seq + 1, cursor = $cursor WHERE ${is} AND seq = $seq RETURNING seq`,
          { ...named(name), seq, cursor: JSON.stringify(cursor) },
        );
        if (!seen) return undefined;
        const started: string[] = [];
        for (const { key, due, start } of firings) {
          const entered = db.first(
            `INSERT INTO firings (project, pipeline, trigger, key, due, noted)
             VALUES ($project, $pipeline, $trigger, $key, $due, $now) ON CONFLICT DO NOTHING RETURNING number`,
            { ...named(name), key, due, now: clock() },
          );
          if (!entered) continue;
          create(start);
          db.all('UPDATE firings SET run = $run WHERE number = $number', { run: start.run, number: entered.number });
          started.push(start.run);
        }
        return started;
      }),

    firings: async (name, limit) =>
      db
        .all(`SELECT key, due, run FROM firings WHERE ${is} ORDER BY number DESC LIMIT $limit`, {
          ...named(name),
          limit,
        })
        .map(({ key, due, run }) => ({ key, due, run: run ?? undefined })),
  };
}
