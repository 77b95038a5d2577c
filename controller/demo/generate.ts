import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { closePostgres, connectPostgres, explain } from '../clients/postgres.ts';
import { literal } from '../clients/sql.ts';
import type { PostgresAddress } from '../config/addresses.ts';
import { rejected, SluiceError, unwritable } from '../lib/errors.ts';
import * as movements from './movements.ts';
import * as shop from './shop.ts';
import type { DemoTargets, OnProgress, Shares } from './targets.ts';
import { fillTopic } from './topic.ts';

/** The generated rows and the injected defects, in rows. */
export interface DemoData {
  readonly rows: Shares;
  readonly planted: Readonly<Record<string, number>>;
}

/** Generates the shop of a seed and replaces the inputs of the customer report with it. */
export async function generate(
  rows: number,
  seed: number,
  defects: shop.Defects,
  targets: DemoTargets,
  onProgress: OnProgress,
): Promise<DemoData> {
  const shares = shop.sharesOf(rows);
  await refuseOthers(targets.postgres);
  const [tables, files, topic] = await Promise.all([
    fillTables(shares, seed, defects, targets.postgres, onProgress),
    fillFiles(shares, seed, defects, targets.folder, onProgress),
    fillTopic(shares, seed, defects, targets, onProgress),
  ]);
  return { rows: shares, planted: { ...tables, ...files, ...topic } };
}

/** The comment of tables that demo-data created and may drop. */
const mark = 'made by sluice demo-data';

const tables = `
  DROP TABLE IF EXISTS users, orders, payments;
  CREATE TABLE users (user_id bigint PRIMARY KEY, name text NOT NULL, email text NOT NULL, city text NOT NULL, registered_at timestamptz NOT NULL);
  CREATE TABLE orders (order_id bigint PRIMARY KEY, user_id bigint, status text NOT NULL, amount numeric(12,2) NOT NULL, currency text NOT NULL, created_at timestamptz NOT NULL);
  CREATE TABLE payments (payment_id bigint PRIMARY KEY, order_id bigint NOT NULL, amount numeric(12,2) NOT NULL, currency text NOT NULL, status text NOT NULL, paid_at timestamptz NOT NULL);
  COMMENT ON TABLE users IS ${literal(mark)};
  COMMENT ON TABLE orders IS ${literal(mark)};
  COMMENT ON TABLE payments IS ${literal(mark)}`;

async function fillTables(
  shares: Shares,
  seed: number,
  defects: shop.Defects,
  address: PostgresAddress,
  onProgress: OnProgress,
): Promise<Record<string, number>> {
  const client = await connectPostgres(address);
  let unpaid = 0;
  let orphans = 0;
  try {
    await client.query('BEGIN');
    await client.query(tables);
    await copy(client, 'users', shop.users(shares.users, seed), (u) => [
      u.id,
      u.name,
      u.email,
      u.city,
      shop.stamp(u.registered),
    ]);
    onProgress('users', shares.users);
    await copy(client, 'orders', orders(shares, seed, defects), (o) => [
      o.id,
      o.user,
      o.status,
      o.amount,
      o.currency,
      shop.stamp(o.created),
    ]);
    onProgress('orders', shares.orders);
    await copy(client, 'payments', shop.payments(shares.payments, shares.orders, shares.users, seed, defects), (p) => {
      if (p.order > shares.orders) orphans += 1;
      return [p.id, p.order, p.amount, p.currency, p.status, shop.stamp(p.paid)];
    });
    const { rows } = await client.query(
      'SELECT count(*) AS n FROM orders o WHERE NOT EXISTS (SELECT FROM payments p WHERE p.order_id = o.order_id)',
    );
    unpaid = rows[0].n;
    const idle = await client.query(
      'SELECT count(*) AS n FROM users u WHERE NOT EXISTS (SELECT FROM orders o WHERE o.user_id = u.user_id)',
    );
    await client.query('COMMIT');
    await client.query('ANALYZE users, orders, payments');
    onProgress('payments', shares.payments);
    return {
      'orders without payment': unpaid,
      'payments without order': orphans,
      'users without orders': idle.rows[0].n,
    };
  } catch (error) {
    throw error instanceof SluiceError ? error : explain(error, address);
  } finally {
    await closePostgres(client);
  }
}

/** Throws `rejected` when a table exists that demo-data did not create. */
async function refuseOthers(address: PostgresAddress): Promise<void> {
  const client = await connectPostgres(address);
  const asked = client.query(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid IN (to_regclass('users'), to_regclass('orders'), to_regclass('payments'))
       AND obj_description(c.oid, 'pg_class') IS DISTINCT FROM ${literal(mark)}`,
  );
  const { rows } = await asked.finally(() => closePostgres(client));
  if (rows.length === 0) return;
  const names = rows.map(({ name }) => name as string);
  throw rejected(
    `refusing to replace tables that demo-data did not make: ${names.join(', ')}`,
    `drop them if they may go, or, if an earlier version of demo-data made them: ${names.map((name) => `COMMENT ON TABLE ${name} IS ${literal(mark)}`).join('; ')}`,
  );
}

function* orders({ orders, users }: Shares, seed: number, defects: shop.Defects): Generator<shop.Order> {
  for (let id = 1; id <= orders; id++) yield shop.orderOf(id, users, seed, defects);
}

/** COPY in CSV, a few thousand rows per chunk. */
async function copy<T>(
  client: pg.Client,
  table: string,
  rows: Iterable<T>,
  columns: (row: T) => readonly (string | number)[],
): Promise<void> {
  const line = (row: T): string =>
    columns(row)
      .map((value) => `"${String(value).replaceAll('"', '""')}"`)
      .join(',');
  await pipeline(Readable.from(chunks(rows, line)), client.query(copyFrom(`COPY ${table} FROM STDIN (FORMAT csv)`)));
}

function* chunks<T>(rows: Iterable<T>, line: (row: T) => string): Generator<string> {
  let chunk = '';
  for (const row of rows) {
    chunk += `${line(row)}\n`;
    if (chunk.length > 1 << 18) {
      yield chunk;
      chunk = '';
    }
  }
  if (chunk !== '') yield chunk;
}

/** The most rows of one file. There are at least four files, so that several tasks can read them. */
const rowsPerFile = 50_000;

async function fillFiles(
  shares: Shares,
  seed: number,
  defects: shop.Defects,
  folder: string,
  onProgress: OnProgress,
): Promise<Record<string, number>> {
  const planted = { invalid: 0, tricky: 0 };
  try {
    const fresh = `${folder}.writing`;
    await mkdir(fresh, { recursive: true });
    await removeOurs(fresh);
    const perFile = Math.max(1, Math.min(rowsPerFile, Math.ceil(shares.deliveries / 4)));
    const lines = movements.deliveries(shares.deliveries, shares.orders, shares.users, seed, defects);
    const files = Math.max(4, Math.ceil(shares.deliveries / perFile));
    for (let file = 1; file <= files; file++) {
      const out = createWriteStream(join(fresh, `deliveries-${String(file).padStart(2, '0')}.csv`));
      await pipeline(Readable.from(fileOf(lines, perFile, planted)), out);
    }
    await mkdir(folder, { recursive: true });
    await removeOurs(folder);
    for (const name of await ours(fresh)) await rename(join(fresh, name), join(folder, name));
    await rmdir(fresh);
  } catch (error) {
    throw unwritable(folder, error);
  }
  onProgress('deliveries', shares.deliveries);
  return { 'invalid deliveries': planted.invalid, 'deliveries with quotes and line breaks': planted.tricky };
}

const ours = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).filter((name) => /^deliveries-\d{2,}\.csv$/.test(name));

/** Removes the files of demo-data, and leaves all others. */
async function removeOurs(folder: string): Promise<void> {
  for (const name of await ours(folder)) await rm(join(folder, name));
}

function* fileOf(
  lines: Iterator<movements.DeliveryLine>,
  rows: number,
  planted: { invalid: number; tricky: number },
): Generator<string> {
  let chunk = `${movements.deliveryHeader}\n`;
  for (let row = 0; row < rows; row++) {
    const next = lines.next();
    if (next.done) break;
    if (next.value.planted) planted[next.value.planted] += 1;
    chunk += `${next.value.text}\n`;
    if (chunk.length > 1 << 18) {
      yield chunk;
      chunk = '';
    }
  }
  yield chunk;
}
