import type { Duck, DuckColumn } from '../clients/duckdb.ts';
import { identifier } from '../clients/sql.ts';
import type { Storage, Uri } from '../domain/ports/storage.ts';
import type { Profile } from '../domain/profile.ts';
import { repairsOf } from './repairs.ts';
import { localFile, localFiles, own, ownColumns, parquet } from './snapshot.ts';

/** The files with the repaired rows, by source. */
export async function localRepairs(
  storage: Storage,
  repairs: Uri,
  sources: readonly string[],
): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const name of sources) {
    const file = await localFile(storage, repairsOf(repairs, name));
    if (file !== undefined) files.set(name, file);
  }
  return files;
}

/** The local files of snapshots, by source. */
export async function localRows(
  storage: Storage,
  profiles: Readonly<Record<string, Profile>>,
): Promise<Map<string, readonly string[]>> {
  const files = new Map<string, readonly string[]>();
  for (const [name, { pin }] of Object.entries(profiles))
    if (pin.kept) files.set(name, await localFiles(storage, pin.kept.paths));
  return files;
}

/** A source's rows in DuckDB: all of them in `table`, the valid ones in a view with the name of the source. */
export interface Rows {
  readonly table: string;
  readonly columns: readonly DuckColumn[];
}

export async function openRows(
  duck: Duck,
  kept: ReadonlyMap<string, readonly string[]>,
  changing: ReadonlySet<string>,
): Promise<Map<string, Rows>> {
  const rows = new Map<string, Rows>();
  for (const [name, files] of kept) {
    const table = identifier(`all ${name}`);
    await duck.run(`CREATE ${changing.has(name) ? 'TABLE' : 'VIEW'} ${table} AS SELECT * FROM ${parquet(files)}`);
    const columns = ownColumns(await duck.columns(table));
    const shown = columns.map((column) => identifier(column.name)).join(', ');
    await duck.run(`CREATE VIEW ${identifier(name)} AS SELECT ${shown} FROM ${table} WHERE ${own.reason} IS NULL`);
    rows.set(name, { table, columns });
  }
  return rows;
}
