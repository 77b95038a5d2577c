import type pg from 'pg';
import type { RunStore } from './port.ts';

/** A query of the pool, answered or explained. */
export type Query = (sql: string, values?: unknown[]) => Promise<pg.QueryResult>;

/** The outbox of the run store in PostgreSQL. */
export function outboxOf(query: Query): Pick<RunStore, 'postman' | 'due' | 'noteDelivery' | 'messages'> {
  return {
    async postman(owner, forMs) {
      const { rowCount } = await query(
        `INSERT INTO postman (owner, until) VALUES ($1, now() + $2 * interval '1 ms')
         ON CONFLICT (one) DO UPDATE SET owner = excluded.owner, until = excluded.until
         WHERE postman.owner = $1 OR postman.until <= now()
           OR postman.owner NOT IN (SELECT owner FROM controllers WHERE until > now())`,
        [owner, forMs],
      );
      return rowCount === 1;
    },

    async due() {
      const { rows } = await query(
        `SELECT message, tries FROM outbox WHERE state = 'waiting'
         AND number <= (SELECT max(number) FROM outbox WHERE state = 'waiting' AND due <= now()) ORDER BY number`,
      );
      return rows.map(({ message, tries }) => ({ message, tries }));
    },

    async noteDelivery(id, state, againMs, note) {
      await query(
        `UPDATE outbox SET state = $2, due = now() + $3 * interval '1 ms', note = $4, tries = tries + 1
         WHERE id = $1 AND state = 'waiting'`,
        [id, state, againMs, note],
      );
    },

    async messages(run) {
      const { rows } = await query('SELECT message, state, note FROM outbox WHERE run = $1 ORDER BY number', [run]);
      return rows.map(({ message, state, note }) => ({
        event: message.event,
        to: message.to,
        state,
        note: note ?? undefined,
      }));
    },
  };
}
