import type { Outbox } from '../../../domain/ports/store.ts';
import type { Query } from './query.ts';

/** The outbox of the run store in PostgreSQL. */
export function outboxOf(query: Query, project: string): Outbox {
  return {
    async due() {
      const { rows } = await query(
        `WITH waiting AS (
           SELECT o.* FROM outbox o JOIN runs USING (run) WHERE o.state = 'waiting' AND project = $1
         ), due AS (
           SELECT channel, recipient, max(number) AS last FROM waiting WHERE due <= now() GROUP BY channel, recipient
         )
         SELECT message, tries FROM waiting JOIN due USING (channel, recipient) WHERE number <= last ORDER BY number`,
        [project],
      );
      return rows.map(({ message, tries }) => ({ message, tries }));
    },

    async recordAttempt(id, state, againMs, note) {
      await query(
        `UPDATE outbox SET state = $2, due = now() + $3 * interval '1 ms', note = $4, tries = tries + 1
         WHERE id = $1 AND state = 'waiting'`,
        [id, state, againMs, note],
      );
    },

    async messages(run) {
      const { rows } = await query(
        `SELECT channel, message->>'event' AS event, recipient, state, note FROM outbox WHERE run = $1 ORDER BY number`,
        [run],
      );
      return rows.map(({ channel, event, recipient, state, note }) => ({
        channel,
        event,
        to: recipient,
        state,
        note: note ?? undefined,
      }));
    },
  };
}
