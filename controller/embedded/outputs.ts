import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duck } from '../clients/duckdb.ts';
import { identifier, literal, tableName } from '../clients/sql.ts';
import type { PostgresAddress } from '../config/addresses.ts';
import type { Storage, Uri } from '../domain/ports/storage.ts';
import { below } from '../lib/uri.ts';
import type { Column } from './sql/scope.ts';
import { cast } from './sql/typed.ts';
import { nameOf, types, Untranslatable } from './sql/types.ts';

/** An output of a job description. */
export interface Output {
  readonly view: string;
  readonly kind: string;
  /** A folder, or `schema.table`. */
  readonly place: string;
  /** The database of a table, without its password. */
  readonly address?: Omit<PostgresAddress, 'password' | 'passfile'>;
}

interface To {
  readonly duck: Duck;
  readonly storage: Storage;
  /** Does some work after what was handed in before, beside DuckDB's. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Throws Untranslatable for columns that this kind of output cannot have as Spark writes them. Pure. */
export function checkOutput(kind: string, view: string, columns: readonly Column[]): void {
  if (!Object.hasOwn(writers, kind))
    throw new Untranslatable(`view ${view} has an output of kind ${kind}, which only Spark writes`);
  if (kind === 'csv' && columns.length === 1)
    throw new Untranslatable(`view ${view}: Spark writes no line for NULL in a CSV file of one column`);
  const double = columns.find(({ type }) => type.is === 'double' || type.is === 'float');
  if (kind === 'csv' && double)
    throw new Untranslatable(
      `view ${view}: Spark writes ${nameOf(double.type)} as other text into CSV (${double.name})`,
    );
}

/** An output on its way. DuckDB has no more to do; `rows` are known once all are in their place. */
export interface Writing {
  readonly rows: Promise<number>;
}

/** Writes a computed table to its staging place as Spark would. */
export async function writeOutput(to: To, output: Output, table: string, columns: readonly Column[]): Promise<Writing> {
  const write = writers[output.kind];
  if (!write) throw new Untranslatable(`an output of kind ${output.kind}`);
  return write(to, output, table, columns);
}

type Writer = typeof writeOutput;

const writers: Readonly<Record<string, Writer>> = { parquet, csv, postgres };

/** The columns of a table, with a timestamp, which is in UTC here, as an instant. */
const listOf = (columns: readonly Column[]): string =>
  columns
    .map(({ name, type }) => {
      const column = identifier(name);
      return type.is === 'timestamp' ? `${column} AT TIME ZONE 'UTC' AS ${column}` : column;
    })
    .join(', ');

async function copied(duck: Duck, select: string, file: string, options: string): Promise<number> {
  const [row] = await duck.rows(`COPY (${select}) TO ${literal(file)} (${options})`);
  return Number(row?.Count);
}

/** Moves a written file to its staging folder; an empty `_SUCCESS` follows, as after Spark. */
async function placed({ duck, storage }: To, file: string, folder: Uri, name: string): Promise<void> {
  await storage.upload(file, below(folder, name));
  const success = join(duck.folder, `${name}-success`);
  await writeFile(success, '');
  await storage.upload(success, below(folder, '_SUCCESS'));
}

async function parquet(to: To, { place, view }: Output, table: string, columns: readonly Column[]): Promise<Writing> {
  const file = join(to.duck.folder, `${view}.parquet`);
  const select = `SELECT ${listOf(columns)} FROM ${table}`;
  const rows = await copied(to.duck, select, file, 'FORMAT parquet, COMPRESSION snappy');
  await placed(to, file, place, 'part-00000.snappy.parquet');
  return { rows: Promise.resolve(rows) };
}

async function csv(to: To, { place, view }: Output, table: string, columns: readonly Column[]): Promise<Writing> {
  const file = join(to.duck.folder, `${view}.csv`);
  const texts = columns.map(({ name, type }) => {
    const column = identifier(name);
    if (type.is === 'timestamp') return `strftime(${column}, '%Y-%m-%dT%H:%M:%S.%gZ') AS ${column}`;
    return type.is === 'decimal' ? `${cast({ sql: column, type }, types.string).sql} AS ${column}` : column;
  });
  const select = `SELECT ${texts.join(', ')} FROM ${table}`;
  const rows = await copied(to.duck, select, file, 'FORMAT csv, HEADER');
  await placed(to, file, place, 'part-00000.csv');
  return { rows: Promise.resolve(rows) };
}

/** PostgreSQL's types of columns, as the Spark runner makes them. */
const postgresTypes: Readonly<Record<string, string>> = {
  string: 'text',
  int: 'integer',
  double: 'double precision',
  float: 'real',
  timestamp: 'timestamptz',
};
const postgresType = ({ type }: Column): string =>
  type.is === 'decimal' ? `numeric(${type.precision}, ${type.scale})` : (postgresTypes[type.is] ?? type.is);

async function postgres(to: To, output: Output, table: string, columns: readonly Column[]): Promise<Writing> {
  const { address, place, view } = output;
  if (!address) throw new TypeError(`the output of ${view} names no database`);
  const file = join(to.duck.folder, `${view}.copy`);
  const texts = columns.filter(({ type }) => type.is === 'string').map(({ name }) => identifier(name));
  // Without its quotes, an empty text would be NULL.
  const quotes = texts.length === 0 ? '' : `, FORCE_QUOTE (${texts.join(', ')})`;
  const select = `SELECT ${listOf(columns)} FROM ${table}`;
  await copied(to.duck, select, file, `FORMAT csv, HEADER false${quotes}`);
  const list = columns.map((column) => `${identifier(column.name)} ${postgresType(column)}`).join(', ');
  // The password is in a pgpass file, which the environment names.
  const at = { ...address, password: undefined, passfile: undefined };
  return { rows: to.inTurn(() => fillTable(at, tableName(place), list, file)) };
}

/** Creates a table with these columns, and copies a CSV file into it, in one transaction. */
async function fillTable(at: PostgresAddress, table: string, columns: string, file: string): Promise<number> {
  const { closePostgres, connectPostgres, explain } = await import('../clients/postgres.ts');
  const { copyFile } = await import('../clients/postgres-copy.ts');
  const client = await connectPostgres(at);
  try {
    await client.query(`BEGIN; CREATE TABLE ${table} (${columns})`);
    const rows = await copyFile(client, `COPY ${table} FROM STDIN WITH (FORMAT csv)`, file);
    await client.query('COMMIT');
    return rows;
  } catch (error) {
    throw explain(error, at);
  } finally {
    await closePostgres(client);
  }
}
