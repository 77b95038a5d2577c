import type pg from 'pg';
import { channelOf, type Message } from '../../../domain/ports/notifier.ts';
import type { Outbox } from '../../../domain/ports/outbox.ts';
import { likeOf, onlyIn, postedOf } from '../summary.ts';
import type { Query } from './query.ts';
import { addTotals } from './totals.ts';

/** Adds messages to the outbox, each once. */
export async function addMessages(client: pg.PoolClient, project: string, messages: readonly Message[]): Promise<void> {
  for (const message of messages)
    await client.query(
      `INSERT INTO outbox (id, run, project, channel, recipient, message, due)
       VALUES ($1, $2, CASE WHEN $2::text IS NULL THEN $3 END, $4, $5, $6, now()) ON CONFLICT (id) DO NOTHING`,
      [message.id, message.run ?? null, project, channelOf(message), message.to, JSON.stringify(message)],
    );
}

/** The condition of messages of a project ($1), on the outbox as o beside runs: those of a run move with it. */
export const isOurs = 'coalesce(runs.project, o.project) = $1';

/** The outbox of the run store in PostgreSQL. */
export function outboxOf(
  query: Query,
  transaction: <T>(work: (client: pg.PoolClient) => Promise<T>) => Promise<T>,
  project: string,
): Outbox {
  return {
    async due() {
      const { rows } = await query(
        `WITH waiting AS (
           SELECT o.* FROM outbox o LEFT JOIN runs USING (run) WHERE o.state = 'waiting' AND ${isOurs}
         ), due AS (
           SELECT channel, recipient, max(number) AS last FROM waiting WHERE due <= now() GROUP BY channel, recipient
         )
         SELECT message, tries FROM waiting JOIN due USING (channel, recipient) WHERE number <= last ORDER BY number`,
        [project],
      );
      return rows.map(({ message, tries }) => ({ message, tries }));
    },

    async recordAttempt(id, state, againMs, note) {
      await transaction(async (client) => {
        const { rows } = await client.query(
          `UPDATE outbox SET state = $2, due = now() + $3 * interval '1 ms', note = $4, tries = tries + 1
           WHERE id = $1 AND state = 'waiting' RETURNING channel`,
          [id, state, againMs, note],
        );
        if (rows[0] && state !== 'waiting')
          await addTotals(client, project, '', [{ name: 'messages', labels: [rows[0].channel, state], n: 1 }]);
      });
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

    async posted({ only, pipelines, before, limit }) {
      const { rows } = await query(
        `SELECT o.number, o.run, pipeline, channel, message->>'event' AS event, recipient, o.state, note, tries,
           floor(extract(epoch FROM entered) * 1000) AS entered
         FROM outbox o LEFT JOIN runs USING (run)
         WHERE ${isOurs}${onlyIn(only)} AND ($2::bigint IS NULL OR o.number < $2)
           AND ($3::text[] IS NULL OR pipeline LIKE ANY ($3))
           AND (o.state <> 'sent' OR message->>'event' NOT IN ('lineage', 'trace'))
         ORDER BY o.number DESC LIMIT $4`,
        [project, before ?? null, pipelines?.map(likeOf) ?? null, limit],
      );
      return rows.map(postedOf);
    },
  };
}
