import type { Outbox } from '../../../domain/ports/store.ts';
import type { Database } from './database.ts';

/** The outbox of the run store in SQLite. */
export function outboxOf(db: Database, project: string, clock: () => number): Outbox {
  return {
    due: async () =>
      db
        .all(
          `WITH waiting AS (
             SELECT o.* FROM outbox o JOIN runs USING (run) WHERE o.state = 'waiting' AND project = $project
           ), due AS (
             SELECT channel, recipient, max(number) AS last FROM waiting WHERE due <= $now GROUP BY channel, recipient
           )
           SELECT message, tries FROM waiting JOIN due USING (channel, recipient) WHERE number <= last ORDER BY number`,
          { project, now: clock() },
        )
        .map(({ message, tries }) => ({ message: JSON.parse(message), tries })),

    recordAttempt: (id, state, againMs, note) =>
      db.write(() => {
        db.all(
          `UPDATE outbox SET state = $state, due = $due, note = $note, tries = tries + 1
           WHERE id = $id AND state = 'waiting'`,
          { id, state, due: clock() + againMs, note },
        );
      }),

    messages: async (run) =>
      db
        .all(
          `SELECT channel, message->>'event' AS event, recipient, state, note FROM outbox
           WHERE run = $run ORDER BY number`,
          { run },
        )
        .map(({ channel, event, recipient, state, note }) => ({
          channel,
          event,
          to: recipient,
          state,
          note: note ?? undefined,
        })),
  };
}
