import type { Duck } from '../connect/duckdb.ts';
import type { Column } from '../pipeline/schema.ts';
import type { Measures } from './port.ts';

/** Rows that no column could be told apart in: counted by reason, without null counts. */
export interface Broken {
  readonly reason: string;
  readonly rows: number;
  readonly new: number;
}

/**
 * Counts a DuckDB table whose rows have the source's columns, `_reason` and `_new`. `key` names the identifying column.
 * The table is read twice, once for the counts by reason and once for the duplicate keys.
 */
export async function measureTable(
  duck: Duck,
  table: string,
  columns: readonly Column[],
  key: string,
  bytes: number,
  broken: readonly Broken[],
): Promise<Measures> {
  const nullCounts = columns.map((c, i) => `count(*) - count("${c.name}") AS n${i}`).join(', ');
  const groups = await duck.rows(
    `SELECT _reason, count(*) AS rows, count(*) FILTER (WHERE _new) AS new, ${nullCounts} FROM ${table} GROUP BY _reason`,
  );
  const [unique] = await duck.rows(
    `SELECT count(*) - count(DISTINCT "${key}") AS duplicates FROM ${table} WHERE _reason IS NULL`,
  );
  const sum = (field: string): number => groups.reduce((total, group) => total + Number(group[field]), 0);
  const tally: Record<string, number> = {};
  for (const group of groups) if (group._reason !== null) tally[String(group._reason)] = Number(group.rows);
  for (const each of broken) tally[each.reason] = (tally[each.reason] ?? 0) + each.rows;

  const invalid = Object.values(tally).reduce((a, b) => a + b, 0);
  const rows = sum('rows') + broken.reduce((total, each) => total + each.rows, 0);
  return {
    rows,
    valid: rows - invalid,
    invalid,
    invalidByReason: tally,
    nulls: Object.fromEntries(columns.map((c, i) => [c.name, sum(`n${i}`)])),
    duplicates: Number(unique?.duplicates ?? 0),
    bytes,
    new: sum('new') + broken.reduce((total, each) => total + each.new, 0),
  };
}
