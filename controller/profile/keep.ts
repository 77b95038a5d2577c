import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Duck, type DuckColumn, literal } from '../connect/duckdb.ts';
import type { Column } from '../pipeline/schema.ts';
import type { Kept } from './port.ts';
import { duckdb } from './rules.ts';

/** Where a probe keeps what it has measured. Without a folder, or for more bytes than this, Spark reads the source itself. */
export interface Keeping {
  readonly folder: string;
  readonly upToBytes: number;
}

/** The largest source whose rows are kept: Parquet of this is written in seconds, and fits on any disk. Bytes. */
export const upToBytes = 4 * 2 ** 30;

/**
 * What a kept row has besides its columns. Of an invalid one: `_reason` why, `_raw` as it was read, `_where` it stands,
 * `_fields` its columns as a JSON object of texts (NULL when it could not be split), `_original` what it was before a
 * repair. `_part` and `_pos` are a message's place. Spark is shown the first two.
 */
const forSpark = ['_reason', '_raw'];

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

/** The type of a declared column; a timestamp is an instant, in UTC unless it says otherwise. */
export const duckType = ({ type }: Pick<Column, 'type'>): string =>
  type === 'timestamp' ? 'TIMESTAMPTZ' : duckdb.types[type];

/** A declared column, which is text so far, with its type. */
export const typedColumn = (column: Column): string =>
  `TRY_CAST("${column.name}" AS ${duckType(column)}) AS "${column.name}"`;

/** Columns as one JSON object. */
export const asJson = (columns: readonly { readonly name: string }[]): string =>
  `CAST(to_json({${columns.map(({ name }) => `"${name}": "${name}"`).join(', ')}}) AS VARCHAR)`;

export const parquet = (paths: readonly string[]): string => `read_parquet([${paths.map(literal).join(', ')}])`;

/** The source's own columns of a relation. */
export const ownColumns = (columns: readonly DuckColumn[]): DuckColumn[] =>
  columns.filter(({ name }) => !name.startsWith('_'));

/** Writes a relation, whole or not at all; the file is named after `name`. */
export async function keep(duck: Duck, name: string, relation: string, { folder }: Keeping): Promise<Kept> {
  const path = join(folder, `${name}.parquet`);
  await mkdir(dirname(path), { recursive: true });
  await duck.run(`COPY (SELECT * FROM ${relation}) TO ${literal(`${path}.part`)} (FORMAT parquet, COMPRESSION snappy)`);
  await rename(`${path}.part`, path);
  return { paths: [path], columns: sparkColumns(await duck.columns(relation)) };
}

/** A kept relation's columns as Spark is told them. */
export function sparkColumns(columns: readonly DuckColumn[]): Kept['columns'] {
  const shown = [...ownColumns(columns), ...columns.filter(({ name }) => forSpark.includes(name))];
  return shown.map(({ name, type }) => ({ name, type: sparkTypes[type] ?? type }));
}

/** Text columns as one line of CSV, an empty field for NULL. */
export const csvLine = (columns: readonly Column[]): string =>
  columns
    .map(
      ({ name }) =>
        `CASE WHEN "${name}" IS NULL THEN '' WHEN regexp_matches("${name}", '[",\\r\\n]') THEN '"' || replace("${name}", '"', '""') || '"' ELSE "${name}" END`,
    )
    .join(` || ',' || `);
