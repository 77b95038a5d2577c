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

/** A private DuckDB, on disk so that its memory stays bounded. Closing removes it. */
export interface Duck {
  /** The folder to which its SQL may write. Closing removes it. */
  readonly folder: string;
  rows(sql: string): Promise<DuckRow[]>;
  /** The rows of a query from a pipeline file. Throws a rejected SluiceError unless it is one SELECT. */
  select(sql: string): Promise<DuckRow[]>;
  /** The columns of a table, a view, or any other relation. */
  columns(relation: string): Promise<DuckColumn[]>;
  run(sql: string): Promise<void>;
  appender(table: string): Promise<DuckDBAppender>;
  close(): Promise<void>;
}

/** 1 GiB holds the hash tables of a few million keys; beyond that DuckDB spills to `folder`. */
const memoryMb = 1024;

export interface DuckOptions {
  /** Rows keep the order in which they were read. */
  readonly ordered?: boolean;
  /** Its memory; more is spilled to disk. MiB. */
  readonly memoryMb?: number;
  /** As many as the machine has cores, when left out. */
  readonly threads?: number;
}

/**
 * Opens an empty database in a new folder below `folder`. Its SQL reaches only the database's `folder` and the files
 * and folders in `reach`, and cannot change settings. A pipeline or a source's names cannot make a query reach anything
 * else. Throws `rejected` when the disk is full.
 */
export async function openDuck(folder: string, reach: readonly string[], options: DuckOptions = {}): Promise<Duck> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const own = await mkdir(folder, { recursive: true })
    .then(() => mkdtemp(join(folder, 'duck-')))
    .catch((error: unknown) => {
      throw unwritable(folder, error);
    });
  const instance = await DuckDBInstance.create(join(own, 'db'), {
    memory_limit: `${options.memoryMb ?? memoryMb}MiB`,
    ...(options.threads === undefined ? {} : { threads: String(options.threads) }),
    temp_directory: join(own, 'spill'),
    preserve_insertion_order: String(options.ordered ?? false),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection: DuckDBConnection = await instance.connect();
  /** DuckDB reports a full disk like any other error. */
  const explained = (error: unknown): never => {
    throw unwritableCode(error) === undefined ? error : unwritable(folder, error);
  };
  const rows = async (sql: string): Promise<DuckRow[]> => {
    const reader = await connection.runAndReadAll(sql).catch(explained);
    return reader.getRowObjectsJS().map(plain);
  };
  // It is removed when it is closed, so nothing of it must reach its file.
  await connection.run(`PRAGMA disable_checkpoint_on_shutdown; SET TimeZone = 'UTC'`);
  const output = join(own, 'out');
  await mkdir(output);
  await connection.run(await lockDown([output, ...reach]));
  return {
    folder: output,
    rows,
    async select(sql) {
      const { StatementType } = await import('@duckdb/node-api');
      // `prepare` fails for several statements; an empty text must be rejected here.
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
    // DuckDB compares both the given path and its target after links.
    for (const each of new Set([path, await realpath(path).catch(() => path)]))
      if (isFolder) folders.push(`${each.replace(/\/$/, '')}/`);
      else files.push(each);
  }
  const list = (paths: readonly string[]): string => `[${paths.map(literal).join(', ')}]::VARCHAR[]`;
  return `SET allowed_directories = ${list(folders)}; SET allowed_paths = ${list(files)};
          SET enable_external_access = false; SET lock_configuration = true`;
}

/** Values as plain JSON: integers and decimals as numbers, dates as ISO text, nested values as text. */
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
