import type pg from 'pg';
import { explain, postgresPool } from '../../../clients/postgres.ts';
import type { PostgresAddress } from '../../../config/addresses.ts';
import type { RunEvent } from '../../../domain/events.ts';
import type { Appended, Entry, Lease, RunStore, RunSummary } from '../../../domain/ports/store.ts';
import { rejected, SluiceError } from '../../../lib/errors.ts';
import { driversOf } from './leases.ts';
import { migrate } from './migrations.ts';
import { outboxOf } from './outbox.ts';
import { ofProject, type Query } from './query.ts';

const summaryColumns = 'run, pipeline, state, branch, reason, started, ended';
/** A server that takes a query and never answers is as good as away. Milliseconds. */
const answerWithin = 15_000;
/** Any number that only this program uses. */
const slotLock = 7_301_960_412;

/** The run store in a PostgreSQL database of its own; its schema is made or brought up to date on opening. */
export async function postgresStore(address: PostgresAddress, project: string): Promise<RunStore> {
  const pool = postgresPool(address, { query_timeout: answerWithin });

  async function within<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    let client: pg.PoolClient | undefined;
    let broken = false;
    try {
      client = await pool.connect();
      return await work(client);
    } catch (error) {
      if (error instanceof SluiceError) throw error;
      const known = explain(error, address);
      broken = known.kind !== 'rejected';
      throw known;
    } finally {
      client?.release(broken);
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
    create: (run, pipeline, at, events, owner) =>
      transaction(async (client) => {
        // Runs of a pipeline are numbered in the order in which others come to see them.
        await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [pipeline]);
        const { rows } = await client.query(
          `INSERT INTO runs (run, pipeline, project, state, started, seq, at, owner, token)
           VALUES ($1, $2, $3, 'pending', $4, $5, $4, $6, 1) RETURNING number`,
          [run, pipeline, project, at, events.length, owner ?? null],
        );
        await insertEvents(client, run, 0, at, events);
        return { number: rows[0].number, lease: { run, token: 1 } };
      }),

    append: (lease, after, at, entry) => transaction((client) => append(client, lease, after, at, entry)),

    request: (run, at, event) =>
      transaction(async (client) => {
        const { rows } = await client.query('SELECT seq, at, ended FROM runs WHERE run = $1 FOR UPDATE', [run]);
        if (!rows[0]) throw rejected(`there is no run ${run}`);
        if (rows[0].ended !== null) return false;
        const time = Math.max(at, rows[0].at);
        await insertEvents(client, run, rows[0].seq, time, [event]);
        await client.query('UPDATE runs SET seq = seq + 1, at = $2 WHERE run = $1', [run, time]);
        return true;
      }),

    async history(run, afterSeq = 0) {
      const { rows } = await query('SELECT seq, at, body FROM events WHERE run = $1 AND seq > $2 ORDER BY seq', [
        run,
        afterSeq,
      ]);
      return rows.map((row) => ({ seq: row.seq, at: row.at, event: row.body }));
    },

    ...driversOf(query, project),
    ...listsOf(query, project),
    ...outboxOf(query, project),
    close: () => pool.end(),
  };
}

async function append(
  client: pg.PoolClient,
  { run, token }: Lease,
  after: number,
  at: number,
  { events, summary = {}, messages = [], begins, ends }: Entry,
): Promise<Appended> {
  const { rows } = await client.query('SELECT token, seq, at FROM runs WHERE run = $1 FOR UPDATE', [run]);
  if (!rows[0]) throw rejected(`there is no run ${run}`);
  if (rows[0].token !== token) return { refused: 'lost' };
  if (rows[0].seq !== after) return { refused: 'moved' };
  if (ends !== undefined) await client.query('DELETE FROM applications WHERE key = $1', [ends]);
  if (begins) {
    if (begins.limit !== undefined) {
      await client.query('SELECT pg_advisory_xact_lock($1)', [slotLock]);
      const alive = await client.query('SELECT count(*) AS n FROM applications');
      if (alive.rows[0].n >= begins.limit) return { refused: 'no-slot' };
    }
    await client.query('INSERT INTO applications (key, run) VALUES ($1, $2)', [begins.key, run]);
  }
  const time = Math.max(at, rows[0].at);
  await insertEvents(client, run, after, time, events);
  const told = Object.entries(summary);
  const settings = told.map(([column], i) => `, ${summaryColumn(column)} = $${i + 4}`).join('');
  const values = [run, after + events.length, time, ...told.map(([, value]) => value)];
  await client.query(`UPDATE runs SET seq = $2, at = $3${settings} WHERE run = $1`, values);
  if (summary.ended !== undefined) {
    await client.query('UPDATE runs SET owner = NULL, closed = now() WHERE run = $1', [run]);
    await client.query('DELETE FROM applications WHERE run = $1', [run]);
  }
  for (const message of messages) {
    await client.query(
      'INSERT INTO outbox (id, run, message, due) VALUES ($1, $2, $3, now()) ON CONFLICT (id) DO NOTHING',
      [message.id, run, JSON.stringify(message)],
    );
  }
  return { seq: after + events.length, at: time };
}

async function insertEvents(
  client: pg.PoolClient,
  run: string,
  after: number,
  at: number,
  events: readonly RunEvent[],
): Promise<void> {
  await client.query(
    `INSERT INTO events (run, seq, at, body)
     SELECT $1, $2 + n, $3, body FROM json_array_elements($4::json) WITH ORDINALITY AS e (body, n)`,
    [run, after, at, JSON.stringify(events)],
  );
}

function listsOf(query: Query, project: string): Pick<RunStore, 'find' | 'list' | 'lastProfiles'> {
  return {
    async find(run) {
      const { rows } = await query(
        `SELECT number, owner, ${summaryColumns} FROM runs
         WHERE ${ofProject('$2')} AND (run = $1 OR starts_with(run, $1)) ORDER BY run = $1 DESC LIMIT 2`,
        [run, project],
      );
      const [first, second] = rows;
      if (!first || (second && first.run !== run)) return undefined;
      return { ...summaryOf(first), number: first.number, owner: first.owner ?? undefined };
    },

    async list({ pipeline, limit }) {
      const { rows } = await query(
        `SELECT ${summaryColumns} FROM runs
         WHERE ${ofProject('$3')} AND ($1::text IS NULL OR pipeline = $1) ORDER BY number DESC LIMIT $2`,
        [pipeline ?? null, limit, project],
      );
      return rows.map(summaryOf);
    },

    async lastProfiles(pipeline) {
      const { rows } = await query(
        `SELECT body->'profiles' AS profiles FROM events JOIN runs USING (run)
         WHERE ${ofProject('$2')} AND pipeline = $1 AND state IN ('succeeded', 'degraded') AND body->>'type' = 'sources-measured'
         ORDER BY number DESC, events.seq DESC LIMIT 1`,
        [pipeline, project],
      );
      return rows[0]?.profiles ?? {};
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
