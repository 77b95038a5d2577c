import { join } from 'node:path';
import type { Duck, DuckColumn } from '../clients/duckdb.ts';
import { asItIs, fileLiteral, identifier, jsonPointer, literal } from '../clients/sql.ts';
import type { Column } from '../domain/pipeline.ts';
import type { Storage, Uri } from '../domain/ports/storage.ts';
import type { Snapshot } from '../domain/profile.ts';
import { rejected } from '../lib/errors.ts';
import { below, folderOf, nameOf } from '../lib/uri.ts';
import { duckdb } from './rules.ts';

/**
 * Where a source reader writes its snapshots. Without a folder, or above this number of bytes, Spark reads the source
 * itself.
 */
export interface SnapshotOptions {
  readonly storage: Storage;
  readonly folder: Uri;
  readonly maximumBytes: number;
}

/** The largest source that gets a snapshot: its Parquet is written in seconds, and fits on any disk. Bytes. */
export const maximumSnapshotBytes = 4 * 2 ** 30;

/** The prefix of Sluice's own columns. A source must not have such a column. */
const prefix = '__sluice_';

/**
 * Sluice's columns of a snapshot row beside those of its source. `reason` says why a row is invalid. An invalid row
 * also has `raw`, the row as it was read; `where`, its location; `original`, its state before a repair. Its `fields`
 * are its columns as a JSON object of texts, NULL when it could not be split. `part` and `pos` locate a message.
 * `isNew` and `file` exist while a source is measured. Spark sees the first two.
 */
export const own = {
  reason: `${prefix}reason`,
  raw: `${prefix}raw`,
  where: `${prefix}where`,
  fields: `${prefix}fields`,
  original: `${prefix}original`,
  part: `${prefix}part`,
  pos: `${prefix}pos`,
  isNew: `${prefix}new`,
  file: `${prefix}file`,
} as const;
const forSpark: readonly string[] = [own.reason, own.raw];

/** DuckDB's types as Spark names them; DECIMAL(p,s) is the same in both. */
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

/** The type of a declared column. A timestamp is an instant, in UTC unless its text has a zone. */
export const duckType = ({ type }: Pick<Column, 'type'>): string =>
  type === 'timestamp' ? 'TIMESTAMPTZ' : duckdb.types[type];

/** The typed expression of a declared column, read as text from `source`. */
export const typedColumn = (column: Column, source = identifier(column.name)): string =>
  `TRY_CAST(${source} AS ${duckType(column)}) AS ${identifier(column.name)}`;

/** Columns as one JSON object; `sourceOf` returns the expression of a column, by default its name. */
export const asJson = (columns: readonly { readonly name: string }[], sourceOf = identifier): string =>
  columns.length === 0
    ? `'{}'`
    : `CAST(to_json({${columns.map(({ name }) => `${literal(name)}: ${sourceOf(name)}`).join(', ')}}) AS VARCHAR)`;

/** A field of a JSON object as text. */
export const jsonText = (object: string, field: string): string =>
  `json_extract_string(${object}, ${jsonPointer(field)})`;

/** The fields of a JSON object as a list of texts, in the order of the columns. */
export const jsonTexts = (object: string, columns: readonly { readonly name: string }[]): string =>
  `json_extract_string(${object}, [${columns.map(({ name }) => jsonPointer(name)).join(', ')}]::VARCHAR[])`;

/** DuckDB's relation of Parquet files. Folders named `name=value` in a path do not become columns. */
export const parquet = (paths: readonly string[]): string =>
  `read_parquet([${paths.map(fileLiteral).join(', ')}], ${asItIs})`;

/** The columns of a relation without Sluice's own. */
export const ownColumns = (columns: readonly DuckColumn[]): DuckColumn[] =>
  columns.filter(({ name }) => !name.startsWith(prefix));

/** Throws a rejected SluiceError for column names that an engine could not preserve. */
export function checkNames(source: string, names: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    const folded = name.toLowerCase();
    if (folded.startsWith(prefix))
      throw rejected(
        `${source}: column ${JSON.stringify(name)}: names that begin with ${prefix} are Sluice's own`,
        'read it through a view that calls the column something else',
      );
    const other = seen.get(folded);
    if (other !== undefined)
      throw rejected(
        `${source}: columns ${JSON.stringify(other)} and ${JSON.stringify(name)} differ only in case, and Spark cannot tell them apart`,
        'read it through a view that calls one of them something else',
      );
    seen.set(folded, name);
  }
}

/** Rows as a Parquet file on this machine. */
export interface LocalSnapshot {
  readonly name: string;
  readonly file: string;
  readonly columns: Snapshot['columns'];
}

/** Each thread holds a row group until it is written: half of DuckDB's default takes 80 MiB off the peak. Rows. */
const rowGroup = 61_440;

/** Writes a relation into the folder of the database. */
export async function materialize(duck: Duck, name: string, relation: string): Promise<LocalSnapshot> {
  const file = join(duck.folder, `${name}.parquet`);
  await duck.run(
    `COPY (SELECT * FROM ${relation}) TO ${literal(file)} (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE ${rowGroup})`,
  );
  return { name, file, columns: sparkColumns(await duck.columns(relation)) };
}

/** Uploads a snapshot for driver and executors, under its name; atomic. */
export async function writeSnapshot(
  { name, file, columns }: LocalSnapshot,
  { storage, folder }: SnapshotOptions,
): Promise<Snapshot> {
  const { uri } = await storage.upload(file, below(folder, `${name}.parquet`));
  return { paths: [uri], columns };
}

/** The local files with the content of objects, for DuckDB. */
export const localFiles = (storage: Storage, uris: readonly Uri[]): Promise<string[]> =>
  Promise.all(uris.map((uri) => storage.local(uri)));

/** The local file with the content of an object; undefined when there is no such object. */
export const localFile = async (storage: Storage, uri: Uri): Promise<string | undefined> =>
  (await storage.stat(uri)) && storage.local(uri);

/** Whether all of these objects exist. */
export const allExist = async (storage: Storage, uris: readonly Uri[]): Promise<boolean> =>
  !(await Promise.all(uris.map((uri) => storage.stat(uri)))).includes(undefined);

/** The local files of a view that Spark wrote into a folder. */
export async function partFiles(storage: Storage, folder: Uri): Promise<string[]> {
  const uris = (await storage.list(folder)).map(({ uri }) => uri);
  return localFiles(
    storage,
    uris.filter((uri) => folderOf(uri) === folder && nameOf(uri).startsWith('part-')),
  );
}

/** The columns of a snapshot with Spark's types. */
export function sparkColumns(columns: readonly DuckColumn[]): Snapshot['columns'] {
  const shown = [...ownColumns(columns), ...columns.filter(({ name }) => forSpark.includes(name))];
  return shown.map(({ name, type }) => ({ name, type: sparkTypes[type] ?? type }));
}

/** Texts as one line of CSV, an empty field for NULL. */
export const csvLine = (texts: readonly string[]): string =>
  `concat_ws(',', ${texts
    .map(
      (text) =>
        `CASE WHEN ${text} IS NULL THEN '' WHEN regexp_matches(${text}, '[",\\r\\n]') THEN '"' || replace(${text}, '"', '""') || '"' ELSE ${text} END`,
    )
    .join(', ')})`;
