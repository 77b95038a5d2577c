import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { to as copyTo } from 'pg-copy-streams';
import { type DuckColumn, openDuck } from '../../../clients/duckdb.ts';
import { closePostgres, connectPostgres, explain } from '../../../clients/postgres.ts';
import { asItIs, fileLiteral, identifier, literal, tableName } from '../../../clients/sql.ts';
import type { PostgresAddress } from '../../../config/addresses.ts';
import type { Example, Measures, Snapshot } from '../../../domain/profile.ts';
import { unwritable, unwritableCode } from '../../../lib/errors.ts';
import { measureRelation } from '../../../snapshot/measure.ts';
import { materialize, own, parquet, type SnapshotOptions, writeSnapshot } from '../../../snapshot/snapshot.ts';
import type { PostgresSource } from './driver.ts';
import type { Table, TableColumn } from './table.ts';

interface Copy {
  readonly name: string;
  readonly source: PostgresSource;
  readonly table: Table;
  /** Whether an earlier run has not read a row, in PostgreSQL's SQL. */
  readonly isNew: string;
  readonly snapshot: string;
  readonly address: PostgresAddress;
  readonly scratch: string;
  readonly snapshots: SnapshotOptions;
}

/** A table that was kept, and what was counted in it. */
interface Copied {
  readonly snapshot: Snapshot;
  readonly measures: Measures;
  readonly examples: Example[];
}

/**
 * Keeps a table as it is in a snapshot: out by COPY, and into Parquet by DuckDB, which counts it. Undefined when it has a
 * type, or a value of one, that Parquet and Spark would not give back as it is, or is larger than what is kept, which of a
 * view is known only then; Spark reads such a table itself.
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

/** Writes the rows to a file; returns what the server counted and the file's bytes, or undefined when there are more than are kept. */
async function copyOut(copy: Copy, file: string): Promise<{ rows: number; bytes: number } | undefined> {
  const { source, table, isNew, snapshot, address, snapshots } = copy;
  const client = await connectPostgres(address);
  try {
    await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await client.query(`SET TRANSACTION SNAPSHOT ${literal(snapshot)}`);
    const { reason } = table;
    const invalid = (sql: string): string => `CASE WHEN (${reason}) IS NOT NULL THEN ${sql} END`;
    // With the star it is the row, also where a column is called t.
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
        // Text is larger than what the server keeps, so a table within the limit gets some room.
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

/** In the order in which they are copied, after the table's columns. */
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
  // An empty text is quoted, and no NULL.
  const reader = `read_csv(${fileLiteral(file)}, header=false, delim=',', quote='"', escape='"', nullstr='', allow_quoted_nulls=false, auto_detect=false, ${asItIs}, columns={${schema}})`;
  const duck = await openDuck(scratch, [folder]);
  try {
    const snapshot = await materialize(duck, name, reader).catch((error: unknown) => {
      // A value that DuckDB cannot take.
      if (/^(Conversion|Invalid Input) Error/.test(String((error as Error).message))) return undefined;
      throw error;
    });
    if (!snapshot) return undefined;
    const counted = await measureRelation(duck, parquet([snapshot.file]), source.key, table.bytes || copied.bytes);
    return counted.measures.rows === copied.rows
      ? { snapshot: await writeSnapshot(snapshot, snapshots), ...counted }
      : undefined;
  } finally {
    await duck.close();
  }
}
