import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Duck } from '../controller/clients/duckdb.ts';
import { parquet } from '../controller/snapshot/snapshot.ts';

/** The rows by which a view of the oracle and a published Parquet folder differ, in both directions; as multisets. */
export async function mismatches(
  duck: Duck,
  view: string,
  published: string,
): Promise<{ missing: number; surplus: number; rows: number }> {
  // Instants are compared as microseconds, whatever their stored type.
  const list = (await duck.columns(view))
    .map(({ name, type }) => (type.startsWith('TIMESTAMP') ? `epoch_us("${name}") AS "${name}"` : `"${name}"`))
    .join(', ');
  const files = readdirSync(published).filter((name) => name.endsWith('.parquet'));
  const ours = `SELECT ${list} FROM ${parquet(files.map((name) => join(published, name)))}`;
  const theirs = `SELECT ${list} FROM ${view}`;
  const count = async (sql: string): Promise<number> =>
    Number((await duck.rows(`SELECT count(*) AS n FROM (${sql})`))[0]?.n);
  return {
    missing: await count(`${theirs} EXCEPT ALL ${ours}`),
    surplus: await count(`${ours} EXCEPT ALL ${theirs}`),
    rows: await count(theirs),
  };
}
