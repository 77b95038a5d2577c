import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { to as copyTo } from 'pg-copy-streams';
import type { DuckColumn } from '../../../clients/duckdb.ts';
import { closePostgres, connectPostgres, explain } from '../../../clients/postgres.ts';
import { asItIs, fileLiteral, identifier, literal, tableName } from '../../../clients/sql.ts';
import type { PostgresAddress } from '../../../config/addresses.ts';
import type { Example, Measures, Snapshot } from '../../../domain/profile.ts';
import { unwritable, unwritableCode } from '../../../lib/errors.ts';
import { measureRelation } from '../../../snapshot/measure.ts';
import { measureInDuck } from '../../../snapshot/measuring-duck.ts';
import { materialize, own, parquet, type SnapshotOptions, writeSnapshot } from '../../../snapshot/snapshot.ts';
import type { PostgresSource } from './driver.ts';
import type { Table, TableColumn } from './table.ts';

interface Copy {
  readonly name: string;
  readonly source: PostgresSource;
  readonly table: Table;
  /** Whether an earlier run has not read a row, as SQL for PostgreSQL. */
  readonly isNew: string;
  readonly snapshot: string;
  readonly address: PostgresAddress;
  readonly scratch: string;
  readonly snapshots: SnapshotOptions;
}

/** A table with its snapshot and its measures. */
interface Copied {
  readonly snapshot: Snapshot;
  readonly measures: Measures;
  readonly examples: Example[];
}

/**
 * Snapshots a table: COPY writes it to a file, DuckDB converts that to Parquet and counts it. Undefined when Spark must
 * read the table itself: it has values that Parquet or Spark would change, or it is too large. The size of a view is
 * known only after the copy.
 */
export async function copyTable(copy: Copy): Promise<Copied | undefined> {
  const { columns } = copy.table;
  if (!columns.every(isKept)) return undefined;
  await mkdir(copy.scratch, { recursive: true });
  const folder = await mkdtemp(join(copy.scratch, 'copy-'));
  try {
    const file = join(folder, 'rows.csv');
    const copied = await copyOut(copy, file);
    return copied && (await converted(copy, folder, file, copied));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const isKept = (column: TableColumn): column is TableColumn & { duckType: string } => column.duckType !== undefined;

class TooLarge extends Error {}

/**
 * Copies the rows to a file. Returns the server's row count and the file's bytes; undefined when the file exceeds the
 * limit.
 */
async function copyOut(copy: Copy, file: string): Promise<{ rows: number; bytes: number } | undefined> {
  const { source, table, isNew, snapshot, address, snapshots } = copy;
  const client = await connectPostgres(address);
  try {
    await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await client.query(`SET TRANSACTION SNAPSHOT ${literal(snapshot)}`);
    const { reason } = table;
    const invalid = (sql: string): string => `CASE WHEN (${reason}) IS NOT NULL THEN ${sql} END`;
    // With the star this is the whole row, also when a column is called t.
    const row = invalid('to_jsonb(t.*)::text');
    const texts = invalid('(SELECT jsonb_object_agg(key, value) FROM jsonb_each_text(to_jsonb(t.*)))::text');
    const where = invalid(
      `${literal(`${source.table} ${source.key}=`)} || coalesce(${identifier(source.key)}::text, 'NULL')`,
    );
    const fitting = table.columns.map(({ name, unfit }) =>
      unfit.length === 0
        ? identifier(name)
        : `CASE WHEN ${unfit.map(({ when }) => `(${when})`).join(' OR ')} THEN NULL ELSE ${identifier(name)} END`,
    );
    const select = [...fitting, reason, row, where, texts, row, isNew].join(', ');
    const rows = client.query(
      copyTo(`COPY (SELECT ${select} FROM ${tableName(source.table)} t) TO STDOUT WITH (FORMAT csv)`),
    );
    let bytes = 0;
    const bounded = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        // Text is larger than the server's format, so a table within the limit gets some allowance.
        done(bytes > snapshots.maximumBytes * (table.bytes === 0 ? 1 : 4) ? new TooLarge() : null, chunk);
      },
    });
    await pipeline(rows, bounded, createWriteStream(file));
    return { rows: rows.rowCount, bytes };
  } catch (error) {
    if (error instanceof TooLarge) return undefined;
    throw unwritableCode(error) === undefined ? explain(error, address) : unwritable(file, error);
  } finally {
    await closePostgres(client);
  }
}

/** The columns that follow the table's own in the copy, in order. */
const besides: readonly DuckColumn[] = [
  ...[own.reason, own.raw, own.where, own.fields, own.original].map((name) => ({ name, type: 'VARCHAR' })),
  { name: own.isNew, type: 'BOOLEAN' },
];

async function converted(
  { name, source, table, scratch, snapshots }: Copy,
  folder: string,
  file: string,
  copied: { readonly rows: number; readonly bytes: number },
): Promise<Copied | undefined> {
  const columns = table.columns.map((column) => ({ name: column.name, type: column.duckType }));
  const schema = [...columns, ...besides]
    .map((column) => `${literal(column.name)}: ${literal(column.type ?? '')}`)
    .join(', ');
  // An empty text is quoted and differs from NULL.
  const reader = `read_csv(${fileLiteral(file)}, header=false, delim=',', quote='"', escape='"', nullstr='', allow_quoted_nulls=false, auto_detect=false, ${asItIs}, columns={${schema}})`;
  return measureInDuck(scratch, [folder], async (duck) => {
    const snapshot = await materialize(duck, name, reader).catch((error: unknown) => {
      // DuckDB cannot hold one of the values.
      if (/^(Conversion|Invalid Input) Error/.test(String((error as Error).message))) return undefined;
      throw error;
    });
    if (!snapshot) return undefined;
    const counted = await measureRelation(duck, parquet([snapshot.file]), source.key, table.bytes || copied.bytes);
    return counted.measures.rows === copied.rows
      ? { snapshot: await writeSnapshot(snapshot, snapshots), ...counted }
      : undefined;
  });
}
