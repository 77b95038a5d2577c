import { mkdir, mkdtemp, realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBAppender, DuckDBConnection } from '@duckdb/node-api';
import { rejected, unwritable, unwritableCode } from '../lib/errors.ts';
import { literal } from './sql.ts';

/** A column of a relation, with DuckDB's type. */
export interface DuckColumn {
  readonly name: string;
  readonly type: string;
}

export type DuckRow = Record<string, string | number | boolean | null>;

/** A DuckDB of one's own, on disk so that its memory stays bounded; gone when closed. */
export interface Duck {
  /** A folder of its own that its SQL may write to; gone when it is closed. */
  readonly folder: string;
  rows(sql: string): Promise<DuckRow[]>;
  /** The rows of a query that came from a pipeline file: one SELECT, or a rejected SluiceError. */
  select(sql: string): Promise<DuckRow[]>;
  /** The columns of a table, a view, or anything else that rows are selected from. */
  columns(relation: string): Promise<DuckColumn[]>;
  run(sql: string): Promise<void>;
  appender(table: string): Promise<DuckDBAppender>;
  close(): Promise<void>;
}

/** 1 GiB holds the hash tables of a few million keys; beyond that DuckDB spills to `folder`. */
const memoryLimit = '1GiB';

/**
 * Opens an empty database in a new folder below `folder`. Its SQL reads and writes files only in the database's
 * `folder` and at the paths of `reach`, files or whole folders, and cannot change its settings: what a pipeline or a source's names smuggle into a query reaches
 * nothing else. With `ordered`, rows keep the order in which they were read. Throws `rejected` when the disk takes no more.
 */
export async function openDuck(
  folder: string,
  reach: readonly string[],
  { ordered = false }: { readonly ordered?: boolean } = {},
): Promise<Duck> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const own = await mkdir(folder, { recursive: true })
    .then(() => mkdtemp(join(folder, 'duck-')))
    .catch((error: unknown) => {
      throw unwritable(folder, error);
    });
  const instance = await DuckDBInstance.create(join(own, 'db'), {
    memory_limit: memoryLimit,
    temp_directory: join(own, 'spill'),
    preserve_insertion_order: String(ordered),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection: DuckDBConnection = await instance.connect();
  /** DuckDB tells of a full disk like of any other trouble. */
  const explained = (error: unknown): never => {
    throw unwritableCode(error) === undefined ? error : unwritable(folder, error);
  };
  const rows = async (sql: string): Promise<DuckRow[]> => {
    const reader = await connection.runAndReadAll(sql).catch(explained);
    return reader.getRowObjectsJS().map(plain);
  };
  await connection.run(`SET TimeZone = 'UTC'`);
  const output = join(own, 'out');
  await mkdir(output);
  await connection.run(await lockDown([output, ...reach]));
  return {
    folder: output,
    rows,
    async select(sql) {
      const { StatementType } = await import('@duckdb/node-api');
      // Several statements cannot be prepared, and none is no statement.
      const prepared = sql.trim() === '' ? undefined : await connection.prepare(sql);
      if (prepared?.statementType !== StatementType.SELECT) throw rejected('it must be one SELECT');
      return rows(sql);
    },
    async columns(relation) {
      const described = await rows(`DESCRIBE SELECT * FROM ${relation}`);
      return described.map((column) => ({ name: String(column.column_name), type: String(column.column_type) }));
    },
    async run(sql) {
      await connection.run(sql).catch(explained);
    },
    appender: (table) => connection.createAppender(table),
    async close() {
      connection.closeSync();
      instance.closeSync();
      await rm(own, { recursive: true, force: true });
    },
  };
}

async function lockDown(reach: readonly string[]): Promise<string> {
  const folders: string[] = [];
  const files: string[] = [];
  for (const path of reach) {
    const isFolder = await stat(path).then(
      (found) => found.isDirectory(),
      () => true,
    );
    // A path is compared as it is written, and as it is once its links are followed.
    for (const each of new Set([path, await realpath(path).catch(() => path)]))
      if (isFolder) folders.push(`${each.replace(/\/$/, '')}/`);
      else files.push(each);
  }
  const list = (paths: readonly string[]): string => `[${paths.map(literal).join(', ')}]::VARCHAR[]`;
  return `SET allowed_directories = ${list(folders)}; SET allowed_paths = ${list(files)};
          SET enable_external_access = false; SET lock_configuration = true`;
}

/** Counts as numbers, decimals as numbers, dates as ISO text. */
function plain(row: Record<string, unknown>): DuckRow {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      if (typeof value === 'bigint') return [name, Number(value)];
      if (value instanceof Date) return [name, value.toISOString()];
      if (value === undefined || value === null) return [name, null];
      if (typeof value === 'object') return [name, String(value)];
      return [name, value as string | number | boolean];
    }),
  );
}
