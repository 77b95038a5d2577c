import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Duck, literal } from '../connect/duckdb.ts';
import type { Column } from '../pipeline/schema.ts';
import type { Kept } from './port.ts';
import { duckdb } from './rules.ts';

/** Where a probe keeps what it has measured. Without a folder, or for more bytes than this, Spark reads the source itself. */
export interface Keeping {
  readonly folder: string;
  readonly upToBytes: number;
}

/** DuckDB's names of types, as Spark has them; DECIMAL(p,s) is the same in both. */
const sparkTypes: Readonly<Record<string, string>> = {
  VARCHAR: 'STRING',
  SMALLINT: 'SMALLINT',
  INTEGER: 'INT',
  BIGINT: 'BIGINT',
  FLOAT: 'FLOAT',
  DOUBLE: 'DOUBLE',
  BOOLEAN: 'BOOLEAN',
  DATE: 'DATE',
  'TIMESTAMP WITH TIME ZONE': 'TIMESTAMP',
};

/** A declared column, which is text in table `rows`, with its type; a timestamp is an instant, in UTC unless it says otherwise. */
export const typedColumn = ({ name, type }: Column): string => {
  const wanted = type === 'timestamp' ? 'TIMESTAMPTZ' : duckdb.types[type];
  return `TRY_CAST("${name}" AS ${wanted}) AS "${name}"`;
};

/** Writes what a query of typed columns, `_reason` and `_raw` gives, whole or not at all. */
export async function keep(duck: Duck, name: string, query: string, { folder }: Keeping): Promise<Kept> {
  const path = join(folder, `${name}.parquet`);
  await mkdir(dirname(path), { recursive: true });
  await duck.run(`COPY (${query}) TO ${literal(`${path}.part`)} (FORMAT parquet, COMPRESSION snappy)`);
  await rename(`${path}.part`, path);
  const described = await duck.rows(`DESCRIBE ${query}`);
  const columns = described.map((row) => {
    const type = String(row.column_type);
    return { name: String(row.column_name), type: sparkTypes[type] ?? type };
  });
  return { path, columns };
}

/** Text columns as one line of CSV, an empty field for NULL. */
export const csvLine = (columns: readonly Column[]): string =>
  columns
    .map(
      ({ name }) =>
        `CASE WHEN "${name}" IS NULL THEN '' WHEN regexp_matches("${name}", '[",\\r\\n]') THEN '"' || replace("${name}", '"', '""') || '"' ELSE "${name}" END`,
    )
    .join(` || ',' || `);
