import type pg from 'pg';
import type { PostgresAddress } from '../config/project.ts';
import { explain, postgresPool } from '../connect/postgres.ts';
import { rejected, SluiceError } from '../errors.ts';
import type { RunEvent } from '../run/events.ts';
import { migrate } from './migrations.ts';
import type { RunStore, RunSummary } from './port.ts';

const summaryColumns = 'run, pipeline, state, branch, reason, started, ended';

/** The run store in a PostgreSQL database of its own; its schema is made or brought up to date on opening. */
export async function postgresStore(address: PostgresAddress): Promise<RunStore> {
  const pool = postgresPool(address);

  async function within<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    let client: pg.PoolClient | undefined;
    try {
      client = await pool.connect();
      return await work(client);
    } catch (error) {
      throw error instanceof SluiceError ? error : explain(error, address);
    } finally {
      client?.release();
    }
  }
  const query = (sql: string, values: unknown[] = []): Promise<pg.QueryResult> =>
    within((client) => client.query(sql, values));

  /** All of it or nothing. */
  const transaction = <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> =>
    within(async (client) => {
      await client.query('BEGIN');
      try {
        const result = await work(client);
        await client.query('COMMIT');
        return result;
      } catch (error) {
        await client.query('ROLLBACK').catch(() => undefined);
        throw error;
      }
    });

  try {
    await within(migrate);
  } catch (error) {
    await pool.end();
    throw error;
  }
  return {
    create: (run, pipeline, at, events) =>
      transaction(async (client) => {
        const { rows } = await client.query(
          `INSERT INTO runs (run, pipeline, state, started) VALUES ($1, $2, 'pending', $3) RETURNING number`,
          [run, pipeline, at],
        );
        await insertEvents(client, run, at, events);
        return rows[0].number;
      }),

    async lease(run, owner, now, until) {
      const { rows } = await query(
        `UPDATE runs SET token = CASE WHEN owner = $2 THEN token ELSE token + 1 END, owner = $2, lease_until = $4
         WHERE run = $1 AND (owner IS NULL OR owner = $2 OR lease_until <= $3) RETURNING token`,
        [run, owner, now, until],
      );
      return rows[0] ? { run, token: rows[0].token } : undefined;
    },

    async renew({ run, token }, until) {
      const { rowCount } = await query('UPDATE runs SET lease_until = $3 WHERE run = $1 AND token = $2', [
        run,
        token,
        until,
      ]);
      return rowCount === 1;
    },

    async release({ run, token }) {
      await query('UPDATE runs SET owner = NULL, lease_until = 0 WHERE run = $1 AND token = $2', [run, token]);
    },

    append: (run, lease, at, { events, summary = {}, messages = [] }) =>
      transaction(async (client) => {
        const { rows } = await client.query('SELECT token FROM runs WHERE run = $1 FOR UPDATE', [run]);
        if (!rows[0]) throw rejected(`there is no run ${run}`);
        if (lease && rows[0].token !== lease.token) throw rejected(`run ${run} is driven by another controller now`);
        await insertEvents(client, run, at, events);
        for (const [column, value] of Object.entries(summary)) {
          await client.query(`UPDATE runs SET ${summaryColumn(column)} = $2 WHERE run = $1`, [run, value]);
        }
        for (const message of messages) {
          await client.query(
            'INSERT INTO outbox (id, run, message, due) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING',
            [message.id, run, JSON.stringify(message), at],
          );
        }
      }),

    async history(run, afterSeq = 0) {
      const { rows } = await query('SELECT seq, at, body FROM events WHERE run = $1 AND seq > $2 ORDER BY seq', [
        run,
        afterSeq,
      ]);
      return rows.map((row) => ({ seq: row.seq, at: row.at, event: row.body }));
    },

    async find(run) {
      const { rows } = await query(
        `SELECT number, ${summaryColumns} FROM runs WHERE run = $1 OR starts_with(run, $1) ORDER BY run = $1 DESC LIMIT 2`,
        [run],
      );
      const [first, second] = rows;
      if (!first || (second && first.run !== run)) return undefined;
      return { ...summaryOf(first), number: first.number };
    },

    async list({ pipeline, limit }) {
      const { rows } = await query(
        `SELECT ${summaryColumns} FROM runs WHERE $1::text IS NULL OR pipeline = $1 ORDER BY number DESC LIMIT $2`,
        [pipeline ?? null, limit],
      );
      return rows.map(summaryOf);
    },

    async lastPins(pipeline) {
      const { rows } = await query(
        `SELECT body->'profiles' AS profiles FROM events JOIN runs USING (run)
         WHERE pipeline = $1 AND state IN ('succeeded', 'degraded') AND body->>'type' = 'sources-measured'
         ORDER BY number DESC LIMIT 1`,
        [pipeline],
      );
      const profiles = (rows[0]?.profiles ?? {}) as Record<string, { pin: never }>;
      return Object.fromEntries(Object.entries(profiles).map(([name, profile]) => [name, profile.pin]));
    },

    ...outboxOf(query),
    close: () => pool.end(),
  };
}

/** Numbers the events after those that are there; the caller holds the run's row, or has just made it. */
async function insertEvents(
  client: pg.PoolClient,
  run: string,
  at: number,
  events: readonly RunEvent[],
): Promise<void> {
  await client.query(
    `INSERT INTO events (run, seq, at, body)
     SELECT $1, (SELECT coalesce(max(seq), 0) FROM events WHERE run = $1) + n, $2, body
     FROM json_array_elements($3::json) WITH ORDINALITY AS e (body, n)`,
    [run, at, JSON.stringify(events)],
  );
}

type Query = (sql: string, values?: unknown[]) => Promise<pg.QueryResult>;

function outboxOf(query: Query): Pick<RunStore, 'due' | 'noteDelivery' | 'messages'> {
  return {
    async due(now) {
      const { rows } = await query(
        `SELECT message, tries FROM outbox WHERE state = 'waiting' AND due <= $1 ORDER BY number`,
        [now],
      );
      return rows.map(({ message, tries }) => ({ message, tries }));
    },

    async noteDelivery(id, state, next, note) {
      await query('UPDATE outbox SET state = $2, due = $3, note = $4, tries = tries + 1 WHERE id = $1', [
        id,
        state,
        next,
        note,
      ]);
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

function summaryColumn(name: string): string {
  if (!['state', 'branch', 'reason', 'ended'].includes(name)) throw new RangeError(name);
  return name;
}

const summaryOf = (row: pg.QueryResultRow): RunSummary => ({
  run: row.run,
  pipeline: row.pipeline,
  state: row.state,
  branch: row.branch ?? undefined,
  reason: row.reason ?? undefined,
  started: row.started,
  ended: row.ended ?? undefined,
});
