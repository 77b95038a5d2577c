import { channelOf, type Message } from '../../../domain/ports/notifier.ts';
import type { Outbox } from '../../../domain/ports/outbox.ts';
import { likeOf, onlyIn, postedOf } from '../summary.ts';
import type { Database } from './database.ts';
import { addTotals } from './totals.ts';

/** Adds messages to the outbox, each once, within a transaction. */
export function addMessages(db: Database, project: string, now: number, messages: readonly Message[]): void {
  for (const message of messages) {
    const { id, run, to } = message;
    db.all(
      `INSERT INTO outbox (id, run, project, channel, recipient, message, entered, due)
       VALUES ($id, $run, $project, $channel, $to, $body, $now, $now) ON CONFLICT (id) DO NOTHING`,
      {
        ...{ id, run, to, now, channel: channelOf(message), body: JSON.stringify(message) },
        project: run === undefined ? project : undefined,
      },
    );
  }
}

/** The condition of messages of a project, on the outbox as o beside runs: those of a run move with it. */
export const isOurs = 'coalesce(runs.project, o.project) = $project';

/** The outbox of the run store in SQLite. */
export function outboxOf(db: Database, project: string, clock: () => number): Outbox {
  return {
    due: async () =>
      db
        .all(
          `WITH waiting AS (
             SELECT o.* FROM outbox o LEFT JOIN runs USING (run) WHERE o.state = 'waiting' AND ${isOurs}
           ), due AS (
             SELECT channel, recipient, max(number) AS last FROM waiting WHERE due <= $now GROUP BY channel, recipient
           )
           SELECT message, tries FROM waiting JOIN due USING (channel, recipient) WHERE number <= last ORDER BY number`,
          { project, now: clock() },
        )
        .map(({ message, tries }) => ({ message: JSON.parse(message), tries })),

    recordAttempt: (id, state, againMs, note) =>
      db.write(() => {
        const tried = db.first(
          `UPDATE outbox SET state = $state, due = $due, note = $note, tries = tries + 1
           WHERE id = $id AND state = 'waiting' RETURNING channel`,
          { id, state, due: clock() + againMs, note },
        );
        if (tried && state !== 'waiting')
          addTotals(db, project, '', [{ name: 'messages', labels: [tried.channel, state], n: 1 }]);
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

    posted: async ({ only, pipelines, before, limit }) =>
      db
        .all(
          `SELECT o.number, o.run, pipeline, channel, message->>'event' AS event, recipient, o.state, note, tries, entered
           FROM outbox o LEFT JOIN runs USING (run)
           WHERE ${isOurs}${onlyIn(only)} AND ($before IS NULL OR o.number < $before)
             AND ($like IS NULL OR EXISTS (SELECT 1 FROM json_each($like) WHERE pipeline LIKE value ESCAPE '\\'))
             AND (o.state <> 'sent' OR message->>'event' NOT IN ('lineage', 'trace'))
           ORDER BY o.number DESC LIMIT $limit`,
          {
            ...{ project, before, limit },
            like: pipelines && JSON.stringify(pipelines.map(likeOf)),
          },
        )
        .map(postedOf),
  };
}
