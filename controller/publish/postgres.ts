import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { PostgresAddress } from '../config/project.ts';
import { connectPostgres, explain, quoted } from '../connect/postgres.ts';
import { rejected, SluiceError } from '../errors.ts';
import type { PublishedOutput } from '../run/events.ts';
import type { Publisher, Staged } from './port.ts';

/** Beside the published tables: which run each is of. */
const ledger = 'sluice_publication';

/** The staging table of a view, `schema.view__key`; the key is shortened, as names have at most 63 letters. */
export const stagingTable = (schema: string, view: string, key: string): string =>
  `${schema}.${view.slice(0, 40)}__${createHash('sha256').update(key).digest('hex').slice(0, 12)}`;

/**
 * Tables of a PostgreSQL schema. All views of a step take the place of their tables in one transaction; a table of the same
 * name that Sluice did not publish is left alone. `target` is `connection/schema`.
 */
export function postgresPublisher(addressOf: (connection: string) => PostgresAddress): Publisher {
  async function within<T>(staged: Staged, work: (client: pg.Client, schema: string) => Promise<T>): Promise<T> {
    const [connection = '', schema = 'public'] = staged.target.split('/');
    const address = addressOf(connection);
    const client = await connectPostgres(address);
    try {
      return await work(client, schema);
    } catch (error) {
      throw error instanceof SluiceError ? error : explain(error, address);
    } finally {
      await client.end();
    }
  }
  return {
    prepare: (staged) =>
      within(staged, async (client, schema) => {
        await client.query(`CREATE SCHEMA IF NOT EXISTS ${quoted(schema)}`);
      }),

    audit: (staged) =>
      within(staged, async (client, schema) => {
        for (const { view, place, rows } of staged.views) {
          if ((await published(client, schema, view))?.key === staged.key) continue;
          const { rows: counted } = await client.query(`SELECT count(*) AS n FROM ${quoted(place)}`);
          if (counted[0].n === rows) continue;
          throw rejected(`${view}: ${counted[0].n} rows are staged in ${place}, and the runner wrote ${rows}`);
        }
      }),

    publish: (staged, fence) =>
      within(staged, async (client, schema) => {
        await client.query('BEGIN');
        await client.query(
          `CREATE TABLE IF NOT EXISTS ${quoted(`${schema}.${ledger}`)}
           (view text PRIMARY KEY, fence bigint NOT NULL, key text NOT NULL, published_at timestamptz NOT NULL DEFAULT now())`,
        );
        // One publication into this schema at a time, so that what is read here still holds at the end.
        await client.query(`LOCK TABLE ${quoted(`${schema}.${ledger}`)} IN EXCLUSIVE MODE`);
        for (const view of staged.views) await takePlace(client, schema, view.view, view.place, staged.key, fence);
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
          await client.query(`DROP TABLE IF EXISTS ${quoted(place)}, ${quoted(`${place}__parts`)}`);
        }
      }),
  };
}

interface Published {
  readonly fence: number;
  readonly key: string;
}

/** What a view's table shows, as the ledger says; undefined when Sluice has not published it. */
async function published(client: pg.Client, schema: string, view: string): Promise<Published | undefined> {
  const table = `${schema}.${ledger}`;
  const { rows } = await client.query('SELECT to_regclass($1) IS NOT NULL AS there', [quoted(table)]);
  if (!rows[0].there) return undefined;
  return (await client.query(`SELECT fence, key FROM ${quoted(table)} WHERE view = $1`, [view])).rows[0];
}

async function takePlace(
  client: pg.Client,
  schema: string,
  view: string,
  place: string,
  key: string,
  fence: number,
): Promise<void> {
  const table = `${schema}.${view}`;
  const last = await published(client, schema, view);
  if (last?.key === key) return;
  if (last && last.fence > fence) {
    throw rejected(
      `table ${table} already shows a later run's result (${last.key}); this one is not published over it`,
    );
  }
  const there = await client.query('SELECT to_regclass($1) IS NOT NULL AS there', [quoted(table)]);
  if (there.rows[0].there && !last) {
    throw rejected(
      `there is a table ${table} that Sluice did not publish; it is left alone`,
      'rename it, or publish into another schema',
    );
  }
  await client.query(`DROP TABLE IF EXISTS ${quoted(table)}`);
  await client.query(`ALTER TABLE ${quoted(place)} RENAME TO ${quoted(view)}`);
  await client.query(
    `INSERT INTO ${quoted(`${schema}.${ledger}`)} (view, fence, key) VALUES ($1, $2, $3)
     ON CONFLICT (view) DO UPDATE SET fence = excluded.fence, key = excluded.key, published_at = now()`,
    [view, fence, key],
  );
}
