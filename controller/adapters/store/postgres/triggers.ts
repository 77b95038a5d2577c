import type pg from 'pg';
import type { NewRun, TriggerStore } from '../../../domain/ports/store.ts';
import type { Query } from './query.ts';

/** Triggers and their firings, in PostgreSQL. `create` registers a run within the transaction. */
export function triggersOf(
  query: Query,
  transaction: <T>(work: (client: pg.PoolClient) => Promise<T>) => Promise<T>,
  create: (client: pg.PoolClient, run: NewRun) => Promise<unknown>,
  project: string,
): TriggerStore {
  const is = 'project = $1 AND pipeline = $2 AND trigger = $3';
  return {
    async trigger({ pipeline, trigger }) {
      const values = [project, pipeline, trigger];
      const known = async () => {
        const { rows } = await query(
          `SELECT seq, cursor, (extract(epoch FROM armed) * 1000)::bigint AS armed, (extract(epoch FROM now()) * 1000)::bigint AS now
           FROM triggers WHERE ${is}`,
          values,
        );
        return rows[0];
      };
      let row = await known();
      if (!row) {
        await query(
          'INSERT INTO triggers (project, pipeline, trigger) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
          values,
        );
        row = await known();
      }
      return { seq: row.seq, armed: row.armed, now: row.now, cursor: row.cursor ?? undefined };
    },

    fire: ({ pipeline, trigger }, { seq }, firings, cursor) =>
      transaction(async (client) => {
        const { rowCount } = await client.query(
          `UPDATE triggers SET seq = seq + 1, cursor = $5 WHERE ${is} AND seq = $4`,
          [project, pipeline, trigger, seq, JSON.stringify(cursor)],
        );
        if (rowCount === 0) return undefined;
        const started: string[] = [];
        for (const { key, due, start } of firings) {
          const isNew = await client.query(
            `INSERT INTO firings (project, pipeline, trigger, key, due) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
            [project, pipeline, trigger, key, due],
          );
          if (isNew.rowCount === 0) continue;
          await create(client, start);
          await client.query(`UPDATE firings SET run = $5 WHERE ${is} AND key = $4`, [
            project,
            pipeline,
            trigger,
            key,
            start.run,
          ]);
          started.push(start.run);
        }
        return started;
      }),

    async firings({ pipeline, trigger }, limit) {
      const { rows } = await query(`SELECT key, due, run FROM firings WHERE ${is} ORDER BY number DESC LIMIT $4`, [
        project,
        pipeline,
        trigger,
        limit,
      ]);
      return rows.map(({ key, due, run }) => ({ key, due, run: run ?? undefined }));
    },
  };
}
