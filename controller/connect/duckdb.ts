import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBAppender, DuckDBConnection } from '@duckdb/node-api';

/** A column of a relation, with DuckDB's type. */
export interface DuckColumn {
  readonly name: string;
  readonly type: string;
}

export type DuckRow = Record<string, string | number | boolean | null>;

/** A DuckDB of one's own, on disk so that its memory stays bounded; gone when closed. */
export interface Duck {
  rows(sql: string): Promise<DuckRow[]>;
  /** The columns of a table, a view, or anything else that rows are selected from. */
  columns(relation: string): Promise<DuckColumn[]>;
  run(sql: string): Promise<void>;
  appender(table: string): Promise<DuckDBAppender>;
  close(): Promise<void>;
}

/** 1 GiB holds the hash tables of a few million keys; beyond that DuckDB spills to `folder`. */
const memoryLimit = '1GiB';

/** Opens an empty database in a new folder below `folder`. */
export async function openDuck(folder: string): Promise<Duck> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  await mkdir(folder, { recursive: true });
  const own = await mkdtemp(join(folder, 'duck-'));
  const instance = await DuckDBInstance.create(join(own, 'db'), {
    memory_limit: memoryLimit,
    temp_directory: join(own, 'spill'),
    preserve_insertion_order: 'false',
  });
  const connection: DuckDBConnection = await instance.connect();
  await connection.run(`SET TimeZone = 'UTC'`);
  const rows = async (sql: string): Promise<DuckRow[]> => {
    const reader = await connection.runAndReadAll(sql);
    return reader.getRowObjectsJS().map(plain);
  };
  return {
    rows,
    async columns(relation) {
      const described = await rows(`DESCRIBE SELECT * FROM ${relation}`);
      return described.map((column) => ({ name: String(column.column_name), type: String(column.column_type) }));
    },
    async run(sql) {
      await connection.run(sql);
    },
    appender: (table) => connection.createAppender(table),
    async close() {
      connection.closeSync();
      instance.closeSync();
      await rm(own, { recursive: true, force: true });
    },
  };
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

/** A string as an SQL literal, as DuckDB and PostgreSQL (with standard strings) read it. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
