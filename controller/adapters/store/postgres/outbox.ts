import type { RunStore } from '../../../domain/ports/store.ts';
import { ofProject, type Query } from './query.ts';

/** The outbox of the run store in PostgreSQL. */
export function outboxOf(
  query: Query,
  project: string,
): Pick<RunStore, 'postman' | 'due' | 'noteDelivery' | 'messages'> {
  return {
    async postman(owner, forMs) {
      const { rowCount } = await query(
        `INSERT INTO postman (project, owner, until) VALUES ($3, $1, now() + $2 * interval '1 ms')
         ON CONFLICT (project) DO UPDATE SET owner = excluded.owner, until = excluded.until
         WHERE postman.owner = $1 OR postman.until <= now()
           OR postman.owner NOT IN (SELECT owner FROM controllers WHERE until > now())`,
        [owner, forMs, project],
      );
      return rowCount === 1;
    },

    async due() {
      const { rows } = await query(
        `WITH waiting AS (
           SELECT o.* FROM outbox o JOIN runs USING (run) WHERE o.state = 'waiting' AND ${ofProject('$1')}
         )
         SELECT message, tries FROM waiting
         WHERE number <= (SELECT max(number) FROM waiting WHERE due <= now()) ORDER BY number`,
        [project],
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
