import type pg from 'pg';
import { explain, postgresPool } from '../../../clients/postgres.ts';
import type { PostgresAddress } from '../../../config/addresses.ts';
import type { RunEvent } from '../../../domain/events.ts';
import type { Appended, Created, Entry, Lease, NewRun, RunStore, StoreOwner } from '../../../domain/ports/store.ts';
import { countsOfEvents, readingsOf } from '../../../domain/totals.ts';
import { rejected, SluiceError } from '../../../lib/errors.ts';
import { alertsOf } from './alerts.ts';
import { auditOf } from './audit.ts';
import { feedOf, numbering, writing } from './feed.ts';
import { leasesOf } from './leases.ts';
import { adoptLegacyRuns, migrate } from './migrations.ts';
import { addMessages, outboxOf } from './outbox.ts';
import { proofsOf } from './proofs.ts';
import { cleanupOf, indexOf } from './runs.ts';
import { serversOf } from './servers.ts';
import { tokensOf } from './tokens.ts';
import { addTotals, setReadings } from './totals.ts';
import { triggersOf } from './triggers.ts';
import { vitalsOf } from './vitals.ts';

/** A server that does not respond for this long counts as unavailable. Milliseconds. */
const answerTimeoutMs = 15_000;
/** The longest time that a controller suspended within a transaction can block others. Milliseconds. */
const idleTimeoutMs = 15_000;
/** An arbitrary number for advisory locks. */
const slotLock = 7_301_960_412;

/** The run store in a PostgreSQL database. Opening creates or migrates its schema. */
export async function postgresStore(
  address: PostgresAddress,
  { name: project, formerNames = [] }: StoreOwner,
): Promise<RunStore> {
  const pool = postgresPool(address, {
    // Leases must not wait for the looks at triggers, which are eight at once.
    max: 12,
    query_timeout: answerTimeoutMs,
    idle_in_transaction_session_timeout: idleTimeoutMs,
  });

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

  /** Runs some work in one transaction. */
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
    await within(async (client) => {
      await migrate(client);
      await adoptLegacyRuns(client, project, formerNames);
    });
  } catch (error) {
    await pool.end();
    throw error;
  }
  const { hint, close, ...feed } = feedOf(query, project, address);
  const added = <T>(work: Promise<T>): Promise<T> => work.finally(hint);
  return {
    create: (run) =>
      added(
        transaction(async (client) => {
          await numbering(client, run.pipeline);
          return create(client, project, run);
        }),
      ),

    append: (lease, after, at, entry) => added(transaction((client) => append(client, lease, after, at, entry))),

    request: (run, at, event) => added(transaction((client) => request(client, run, at, event))),

    async history(run, afterSeq = 0) {
      const { rows } = await query('SELECT seq, at, body FROM events WHERE run = $1 AND seq > $2 ORDER BY seq', [
        run,
        afterSeq,
      ]);
      return rows.map((row) => ({ seq: row.seq, at: row.at, event: row.body }));
    },

    ...feed,
    ...leasesOf(query, project),
    ...indexOf(query, project),
    ...outboxOf(query, transaction, project),
    ...alertsOf(query, transaction, project),
    ...cleanupOf(query, project),
    ...triggersOf(
      {
        query,
        transaction: (work) => added(transaction(work)),
        create: (client, run) => create(client, project, run),
        request,
      },
      project,
    ),
    ...serversOf(query, project),
    ...proofsOf(query, transaction, project),
    ...tokensOf(query, project),
    ...auditOf(query, project),
    ...vitalsOf(query, project),
    async close() {
      await close();
      await pool.end();
    },
  };
}

/** Locks the row of a run until the end of the transaction, which may add events. */
async function locked(client: pg.PoolClient, run: string): Promise<pg.QueryResultRow> {
  const { rows } = await client.query(
    `SELECT run, project, pipeline, started, token, seq, at, ended, ${writing} FROM runs WHERE run = $1 FOR UPDATE`,
    [run],
  );
  if (!rows[0]) throw rejected(`there is no run ${run}`);
  return rows[0];
}

/** Adds an event to a run that has not ended, with or without an owner. */
async function request(client: pg.PoolClient, run: string, at: number, event: RunEvent): Promise<boolean> {
  const row = await locked(client, run);
  if (row.ended !== null) return false;
  const time = Math.max(at, row.at);
  await insertEvents(client, row, row.seq, time, [event]);
  await client.query('UPDATE runs SET seq = seq + 1, at = $2 WHERE run = $1', [run, time]);
  return true;
}

/** Needs `numbering` first. */
async function create(
  client: pg.PoolClient,
  project: string,
  { run, pipeline, at, events, owner, idempotencyKey, trigger }: NewRun,
): Promise<Created> {
  const { rows } = await client.query(
    `INSERT INTO runs (run, pipeline, project, state, started, seq, at, owner, token, idempotency_key, trigger)
     VALUES ($1, $2, $3, 'pending', $4, $5, $4, $6, 1, $7, $8)
     ON CONFLICT (project, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING RETURNING number`,
    [run, pipeline, project, at, events.length, owner ?? null, idempotencyKey ?? null, trigger ?? null],
  );
  if (rows[0]) {
    await insertEvents(client, { run, project, pipeline, started: at }, 0, at, events);
    return { number: rows[0].number, lease: { run, token: 1 }, isNew: true };
  }
  const there = await client.query('SELECT run, number FROM runs WHERE project = $1 AND idempotency_key = $2', [
    project,
    idempotencyKey,
  ]);
  return { number: there.rows[0].number, lease: { run: there.rows[0].run, token: 0 }, isNew: false };
}

async function append(
  client: pg.PoolClient,
  { run, token }: Lease,
  after: number,
  at: number,
  { events, summary = {}, messages = [], phases, takesSlot, freesSlot }: Entry,
): Promise<Appended> {
  const before = await locked(client, run);
  if (before.token !== token) return { refused: 'lost' };
  if (before.seq !== after) return { refused: 'moved' };
  if (freesSlot !== undefined) await client.query('DELETE FROM applications WHERE key = $1', [freesSlot]);
  if (takesSlot) {
    if (takesSlot.limit !== undefined) {
      await client.query('SELECT pg_advisory_xact_lock($1)', [slotLock]);
      const alive = await client.query('SELECT count(*) AS n FROM applications');
      if (alive.rows[0].n >= takesSlot.limit) return { refused: 'no-slot' };
    }
    await client.query('INSERT INTO applications (key, run) VALUES ($1, $2)', [takesSlot.key, run]);
  }
  const time = Math.max(at, before.at);
  await insertEvents(client, before, after, time, events, phases);
  const columns = Object.entries(summary);
  const settings = columns.map(([column], i) => `, ${summaryColumn(column)} = $${i + 4}`).join('');
  const values = [run, after + events.length, time, ...columns.map(([, value]) => value)];
  await client.query(`UPDATE runs SET seq = $2, at = $3${settings} WHERE run = $1`, values);
  if (summary.ended !== undefined) {
    await client.query('UPDATE runs SET owner = NULL, closed = now() WHERE run = $1', [run]);
    await client.query('DELETE FROM applications WHERE run = $1', [run]);
  }
  await addMessages(client, before.project, messages);
  return { seq: after + events.length, at: time };
}

async function insertEvents(
  client: pg.PoolClient,
  { run, project, pipeline, started }: pg.QueryResultRow,
  after: number,
  at: number,
  events: readonly RunEvent[],
  phases?: Entry['phases'],
): Promise<void> {
  await client.query(
    `INSERT INTO events (project, run, seq, at, body)
     SELECT $1, $2, $3 + n, $4, body FROM json_array_elements($5::json) WITH ORDINALITY AS e (body, n) ORDER BY n`,
    [project, run, after, at, JSON.stringify(events)],
  );
  await setReadings(client, project, pipeline, readingsOf(events));
  await addTotals(client, project, pipeline, countsOfEvents(events, at - started, phases));
}

function summaryColumn(name: string): string {
  if (name === 'coreSeconds') return 'core_seconds';
  if (!['state', 'branch', 'reason', 'ended', 'quality', 'rows', 'measuring'].includes(name))
    throw new RangeError(name);
  return name;
}
