import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type pg from 'pg';
import { closePostgres, connectPostgres, explain, short } from '../../../clients/postgres.ts';
import type { PostgresAddress } from '../../../config/addresses.ts';
import { TaskRejectedError, type TaskRunner } from '../../../domain/ports/task.ts';
import { rejected } from '../../../lib/errors.ts';
import type { DatabaseJob } from './driver.ts';

/** The table of completed tasks, in each database on which steps work. */
const done = 'sluice_done';
/** An arbitrary number for an advisory lock: two first steps create the table in turn. */
const lockNumber = 7_301_960_414;

/**
 * Runs statements in PostgreSQL, in one transaction with a row that records their completion. A repetition after a
 * crash, or beside a controller believed dead, waits for that row and then does nothing.
 */
export function postgresTaskRunner(root: string, addressOf: (connection: string) => PostgresAddress): TaskRunner {
  return {
    async run({ step, key, signal }) {
      const { connection, sql } = step.postgres as DatabaseJob;
      const address = addressOf(connection);
      const statements = await readFile(resolve(root, sql), 'utf8').catch(() => {
        throw rejected(`there is no file ${sql}`, 'correct postgres.sql of the step');
      });
      const client = await connectPostgres(address);
      const stop = (): void => void cancel(client, address).catch(() => undefined);
      signal.addEventListener('abort', stop, { once: true });
      try {
        signal.throwIfAborted();
        return { body: { rows: await once(client, key, statements, sql) } };
      } catch (error) {
        const known = explain(error, address);
        throw known.kind === 'rejected' ? new TaskRejectedError('bad-sql', known) : known;
      } finally {
        signal.removeEventListener('abort', stop);
        await closePostgres(client);
      }
    },
  };
}

/** Returns the number of changed rows; 0 when the statements were run before. */
async function once(client: pg.Client, key: string, statements: string, file: string): Promise<number> {
  await client.query('BEGIN');
  await client.query('SELECT pg_advisory_xact_lock($1)', [lockNumber]);
  await client.query(
    `CREATE TABLE IF NOT EXISTS ${done} (key text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())`,
  );
  await client.query('COMMIT');
  await client.query('BEGIN');
  const first = await client.query(`INSERT INTO ${done} (key) VALUES ($1) ON CONFLICT DO NOTHING`, [key]);
  let rows = 0;
  if (first.rowCount === 1) {
    const before = await transaction(client);
    const results: pg.QueryResult[] = [await client.query(statements)].flat();
    rows = results.reduce((sum, result) => sum + (result.command === 'SELECT' ? 0 : (result.rowCount ?? 0)), 0);
    if ((await transaction(client)) !== before)
      throw rejected(
        `${file} contains COMMIT or ROLLBACK`,
        'remove COMMIT and ROLLBACK: Sluice commits when all is done',
      );
  }
  await client.query('COMMIT');
  return rows;
}

const transaction = async (client: pg.Client): Promise<string> =>
  (await client.query('SELECT pg_current_xact_id()::text AS id')).rows[0].id;

/** Cancels the current statement of a client, from a second connection. */
async function cancel(client: pg.Client, address: PostgresAddress): Promise<void> {
  const { processID } = client as pg.Client & { processID: number };
  const other = await connectPostgres(address);
  try {
    await other.query({ ...short('SELECT pg_cancel_backend($1)'), values: [processID] });
  } finally {
    await closePostgres(other);
  }
}
