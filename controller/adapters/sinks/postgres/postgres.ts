import type pg from 'pg';
import { closePostgres, connectPostgres, explain } from '../../../clients/postgres.ts';
import { identifier, literal, tableName } from '../../../clients/sql.ts';
import type { PostgresAddress } from '../../../config/addresses.ts';
import type { PublishedOutput } from '../../../domain/events.ts';
import type { Publisher, Staged } from '../../../domain/ports/sink.ts';
import { rejected } from '../../../lib/errors.ts';
import { type Column, checkSchemaCompatibility, checkUnique } from '../schema-compat.ts';

/** Longer than counting any table takes. After it the statement fails and is retried; publishing can be repeated. */
const statementTimeoutMs = 600_000;
/** The table beside the published ones that records the publications of each view. */
const ledger = 'sluice_publication';
/** The comment of a published table. A table that another program has created in its place has none. */
const mark = 'Published by Sluice: replaced as a whole with each run';
/** Publications that the ledger retains for each view. */
const kept = 100;

/**
 * Tables of a PostgreSQL schema. All views of a step replace their tables in one transaction. A table of the same name
 * that Sluice did not publish is left alone. `target` is `connection/schema`.
 */
export function postgresPublisher(addressOf: (connection: string) => PostgresAddress): Publisher {
  async function within<T>(staged: Staged, work: (client: pg.Client, schema: string) => Promise<T>): Promise<T> {
    const [connection = '', schema = 'public'] = staged.target.split('/');
    const address = addressOf(connection);
    const client = await connectPostgres(address, { query_timeout: statementTimeoutMs });
    try {
      return await work(client, schema);
    } catch (error) {
      throw explain(error, address);
    } finally {
      await closePostgres(client);
    }
  }
  return {
    prepare: (staged) =>
      within(staged, async (client, schema) => {
        await client.query(`CREATE SCHEMA IF NOT EXISTS ${identifier(schema)}`);
      }),

    audit: (staged) =>
      within(staged, async (client, schema) => {
        for (const { view, place, rows, unique } of staged.views) {
          const published = await publications(client, schema, view);
          if (published.some(({ key }) => key === staged.key)) continue;
          const { rows: counted } = await client.query(`SELECT count(*) AS n FROM ${tableName(place)}`);
          if (counted[0].n !== rows)
            throw rejected(`${view}: ${counted[0].n} rows are staged in ${place}, but the runner reported ${rows}`);
          if (published.length > 0 && !staged.mayChange)
            checkSchemaCompatibility(
              view,
              await columnsOf(client, `${schema}.${view}`),
              await columnsOf(client, place),
            );
          if (unique === undefined) continue;
          const column = identifier(unique);
          const { rows: repeated } = await client.query(
            `SELECT ${column} AS value, count(*) AS times FROM ${tableName(place)} GROUP BY 1 HAVING count(*) > 1 LIMIT 1`,
          );
          checkUnique(view, unique, repeated[0]);
        }
      }),

    publish: (staged, runNumber) =>
      within(staged, async (client, schema) => {
        await client.query('BEGIN');
        const table = tableName(`${schema}.${ledger}`);
        await client.query(
          `CREATE TABLE IF NOT EXISTS ${table}
           (view text NOT NULL, key text NOT NULL, fence bigint NOT NULL, published_at timestamptz NOT NULL DEFAULT now())`,
        );
        // Publications into one schema take turns, so that what is read here still holds at COMMIT.
        await client.query(`LOCK TABLE ${table} IN EXCLUSIVE MODE`);
        // The first version of the ledger held only the last publication of a view, without the oid of its table.
        await client.query(`ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS oid oid`);
        await client.query(`ALTER TABLE ${table} DROP CONSTRAINT IF EXISTS ${ledger}_pkey`);
        for (const view of staged.views) await takePlace(client, schema, view.view, view.place, staged.key, runNumber);
        await client.query('COMMIT');
        const where = (view: string): string => `${client.database}.${schema}.${view}`;
        return staged.views.map<PublishedOutput>(({ view, rows }) => ({
          view,
          kind: 'postgres',
          where: where(view),
          rows,
        }));
      }),

    discard: (staged) =>
      within(staged, async (client) => {
        for (const { place } of staged.views) {
          await client.query(`DROP TABLE IF EXISTS ${tableName(place)}, ${tableName(`${place}__parts`)}`);
        }
      }),
  };
}

async function columnsOf(client: pg.Client, table: string): Promise<Column[]> {
  const { rows } = await client.query(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
     WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [tableName(table)],
  );
  return rows;
}

interface Published {
  readonly fence: number;
  readonly key: string;
}

/** The publications of a view in the ledger, newest run first. Empty when Sluice never published it. */
async function publications(client: pg.Client, schema: string, view: string): Promise<Published[]> {
  const table = `${schema}.${ledger}`;
  const { rows } = await client.query('SELECT to_regclass($1) IS NOT NULL AS there', [tableName(table)]);
  if (!rows[0].there) return [];
  return (await client.query(`SELECT fence, key FROM ${tableName(table)} WHERE view = $1 ORDER BY fence DESC`, [view]))
    .rows;
}

async function takePlace(
  client: pg.Client,
  schema: string,
  view: string,
  place: string,
  key: string,
  runNumber: number,
): Promise<void> {
  const name = `${schema}.${view}`;
  const all = await publications(client, schema, view);
  const [last] = all;
  // This attempt was published before, even if a newer run has replaced it since.
  if (all.some((each) => each.key === key)) return;
  if (last && last.fence > runNumber) {
    throw rejected(`table ${name} already shows the result of a newer run (${last.key})`);
  }
  const table = tableName(`${schema}.${ledger}`);
  const { rows } = await client.query(
    `SELECT c.oid, obj_description(c.oid, 'pg_class') AS comment,
            (SELECT oid FROM ${table} WHERE view = $2 ORDER BY fence DESC LIMIT 1) AS published
     FROM pg_class c WHERE c.oid = to_regclass($1)`,
    [tableName(name), view],
  );
  const there = rows[0];
  // After a restore the oids differ; publications older than the marks have neither oid nor comment.
  const isOurs = last && (there?.published === null || there?.published === there?.oid || there?.comment === mark);
  if (there && !isOurs) {
    throw rejected(
      `table ${name} is not managed by Sluice and was not replaced`,
      'rename it, or publish into another schema',
    );
  }
  await client.query(`DROP TABLE IF EXISTS ${tableName(name)}`);
  await client.query(`ALTER TABLE ${tableName(place)} RENAME TO ${identifier(view)}`);
  await client.query(`COMMENT ON TABLE ${tableName(name)} IS ${literal(mark)}`);
  await client.query(`INSERT INTO ${table} (view, key, fence, oid) VALUES ($1, $2, $3, to_regclass($4)::oid)`, [
    view,
    key,
    runNumber,
    tableName(name),
  ]);
  await client.query(
    `DELETE FROM ${table} WHERE view = $1 AND key NOT IN (SELECT key FROM ${table} WHERE view = $1 ORDER BY fence DESC LIMIT $2)`,
    [view, kept],
  );
}
