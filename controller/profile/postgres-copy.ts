import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import type { PostgresAddress } from '../config/project.ts';
import { type DuckColumn, literal, openDuck } from '../connect/duckdb.ts';
import { connectPostgres, explain, quoted } from '../connect/postgres.ts';
import { type Keeping, keep, parquet } from './keep.ts';
import { measured } from './measure.ts';
import type { Example, Kept, Measures } from './port.ts';

/** PostgreSQL's types in DuckDB, such that Spark sees what its JDBC reader would give; what is not in here is not kept. */
const types: Readonly<Record<string, string>> = {
  int2: 'SMALLINT',
  int4: 'INTEGER',
  int8: 'BIGINT',
  float4: 'FLOAT',
  float8: 'DOUBLE',
  bool: 'BOOLEAN',
  date: 'DATE',
  timestamp: 'TIMESTAMPTZ',
  timestamptz: 'TIMESTAMPTZ',
  text: 'VARCHAR',
  varchar: 'VARCHAR',
  bpchar: 'VARCHAR',
  name: 'VARCHAR',
  uuid: 'VARCHAR',
  json: 'VARCHAR',
  jsonb: 'VARCHAR',
};

interface Copy {
  readonly name: string;
  readonly table: string;
  readonly key: string;
  /** The table's size. */
  readonly bytes: number;
  /** Why a row is invalid, and whether an earlier run has not read it, in PostgreSQL's SQL. */
  readonly reason: string;
  readonly isNew: string;
  readonly snapshot: string;
  readonly address: PostgresAddress;
  readonly scratch: string;
  readonly keeping: Keeping;
}

/** A table that was kept, and what was counted in it. */
interface Copied {
  readonly kept: Kept;
  readonly measures: Measures;
  readonly examples: Example[];
}

/**
 * Keeps a table as it is in a snapshot: out by COPY, and into Parquet by DuckDB, which counts it. Undefined when it has a
 * type, or a value of one, that Parquet and Spark would not give back as it is; Spark reads such a table itself.
 */
export async function copyTable(copy: Copy): Promise<Copied | undefined> {
  const { table, key, reason, isNew, snapshot, address, scratch } = copy;
  await mkdir(scratch, { recursive: true });
  const folder = await mkdtemp(join(scratch, 'copy-'));
  const file = join(folder, 'rows.csv');
  const client = await connectPostgres(address);
  try {
    await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await client.query(`SET TRANSACTION SNAPSHOT ${client.escapeLiteral(snapshot)}`);
    const columns = await columnsOf(client, table);
    if (!columns) return undefined;
    const invalid = (sql: string): string => `CASE WHEN (${reason}) IS NOT NULL THEN ${sql} END`;
    const row = invalid('to_jsonb(t)::text');
    const where = invalid(`${client.escapeLiteral(`${table} ${key}=`)} || coalesce(${quoted(key)}::text, 'NULL')`);
    const select = `SELECT t.*, ${reason} AS _reason, ${row} AS _raw, ${where} AS _where, ${row} AS _fields, ${row} AS _original, ${isNew} AS _new FROM ${quoted(table)} t`;
    const rows = client.query(copyTo(`COPY (${select}) TO STDOUT WITH (FORMAT csv)`));
    await pipeline(rows, createWriteStream(file));
    return await converted(copy, file, columns);
  } catch (error) {
    throw explain(error, address);
  } finally {
    await client.end();
    await rm(folder, { recursive: true, force: true });
  }
}

async function columnsOf(client: pg.Client, table: string): Promise<DuckColumn[] | undefined> {
  const { rows } = await client.query(
    `SELECT a.attname AS name, t.typname AS type, t.typtype AS sort,
            CASE WHEN t.typname = 'numeric' AND a.atttypmod > 0 THEN (a.atttypmod - 4) >> 16 END AS precision,
            CASE WHEN t.typname = 'numeric' AND a.atttypmod > 0 THEN (a.atttypmod - 4) & 65535 END AS scale
     FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
     WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    [quoted(table)],
  );
  const typed = rows.map(({ name, type, sort, precision, scale }) => {
    if (sort === 'e') return { name, type: 'VARCHAR' };
    if (type === 'numeric' && precision !== null && precision <= 38 && scale <= precision)
      return { name, type: `DECIMAL(${precision},${scale})` };
    return { name, type: types[type] };
  });
  return typed.every((column): column is DuckColumn => column.type !== undefined) ? typed : undefined;
}

const besides: readonly DuckColumn[] = [
  ...['_reason', '_raw', '_where', '_fields', '_original'].map((name) => ({ name, type: 'VARCHAR' })),
  { name: '_new', type: 'BOOLEAN' },
];

async function converted(
  { name, key, bytes, scratch, keeping }: Copy,
  file: string,
  columns: readonly DuckColumn[],
): Promise<Copied | undefined> {
  const schema = [...columns, ...besides]
    .map((column) => `${literal(column.name)}: ${literal(column.type)}`)
    .join(', ');
  // An empty text is quoted, and no NULL.
  const reader = `read_csv(${literal(file)}, header=false, delim=',', quote='"', escape='"', nullstr='', allow_quoted_nulls=false, auto_detect=false, columns={${schema}})`;
  const duck = await openDuck(scratch);
  try {
    const kept = await keep(duck, name, reader, keeping).catch(() => undefined);
    // Undefined: a value that DuckDB cannot take, such as a date before its time.
    return kept && { kept, ...(await measured(duck, parquet(kept.paths), key, bytes)) };
  } finally {
    await duck.close();
  }
}
