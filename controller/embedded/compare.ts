import type { Duck } from '../clients/duckdb.ts';
import { identifier } from '../clients/sql.ts';
import { parquet } from '../snapshot/snapshot.ts';

/** How two results of one view differ; `problems` is empty when they are equal. */
export interface Compared {
  readonly rows: number;
  readonly problems: readonly string[];
}

/** Rows of each side that are shown as examples. */
const examples = 3;
const longest = 500;

/**
 * Compares two results of a view in Parquet: the names and types of their columns in order, then the rows as multisets,
 * to the last digit. The files must be within the database's reach.
 */
export async function compare(duck: Duck, spark: readonly string[], embedded: readonly string[]): Promise<Compared> {
  const [ours, theirs] = [parquet(embedded), parquet(spark)];
  const [mine, wanted] = [await duck.columns(ours), await duck.columns(theirs)];
  const typed = (columns: typeof mine): string => columns.map(({ name, type }) => `${name} ${type}`).join(', ');
  const [counted] = await duck.rows(`SELECT count(*) AS n FROM ${theirs}`);
  const rows = Number(counted?.n);
  if (typed(mine) !== typed(wanted))
    return { rows, problems: [`columns: ${typed(wanted)} by Spark, ${typed(mine)} by the embedded engine`] };
  const list = wanted.map(({ name }) => identifier(name)).join(', ');
  const only = async (side: string, other: string, who: string): Promise<string[]> => {
    const surplus = `SELECT ${list} FROM ${side} EXCEPT ALL SELECT ${list} FROM ${other}`;
    const found = await duck.rows(`SELECT count(*) OVER () AS __n, * FROM (${surplus}) LIMIT ${examples}`);
    if (found.length === 0) return [];
    const shown = found.map(({ __n, ...row }) => JSON.stringify(row).slice(0, longest));
    return [`${found[0]?.__n} of ${rows} rows are only ${who}, such as ${shown.join(' ')}`];
  };
  return {
    rows,
    problems: [
      ...(await only(theirs, ours, 'what Spark computed')),
      ...(await only(ours, theirs, 'what the embedded engine computed')),
    ],
  };
}
