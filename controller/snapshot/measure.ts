import type { Duck, DuckColumn, DuckRow } from '../clients/duckdb.ts';
import { identifier, jsonPointer } from '../clients/sql.ts';
import type { Example, Measures } from '../domain/profile.ts';
import { isOutOfMemory } from './measuring-duck.ts';
import { own, ownColumns } from './snapshot.ts';

const examplesPerReason = 2;
const isTime = ({ type }: DuckColumn): boolean => type === 'DATE' || type.startsWith('TIMESTAMP');
const { reason, raw, where, fields, isNew } = own;

/**
 * Counts a relation of typed columns with Sluice's columns `reason`, `raw`, `where`, `fields` and `isNew`. `key` names
 * the column that identifies a row. It reads the relation once for the counts by reason, once for duplicates, and once
 * for examples, if any row is invalid.
 */
export async function measureRelation(
  duck: Duck,
  relation: string,
  key: string,
  bytes: number,
): Promise<{ measures: Measures; examples: Example[] }> {
  const columns = ownColumns(await duck.columns(relation));
  const times = columns.filter(isTime);
  // A value that does not fit its type is not a null: for an invalid row, the columns as read decide.
  const nulls = columns.map(
    ({ name }, i) =>
      `count(*) FILTER (WHERE ${identifier(name)} IS NULL AND (${reason} IS NULL OR json_type(${fields}, ${jsonPointer(name)}) = 'NULL')) AS n${i}`,
  );
  const latest = times.map(({ name }, i) => `max(${identifier(name)}) FILTER (WHERE ${reason} IS NULL) AS t${i}`);
  const counts = ['count(*) AS rows', `count(*) FILTER (WHERE ${isNew}) AS new`, ...nulls, ...latest].join(', ');
  const groups = await duck.rows(`SELECT ${reason} AS reason, ${counts} FROM ${relation} GROUP BY ${reason}`);
  const duplicates = await duplicatesIn(duck, `${relation} WHERE ${reason} IS NULL`, identifier(key));
  const sum = (field: string): number => groups.reduce((total, group) => total + Number(group[field]), 0);
  const bad = groups.filter((group) => group.reason !== null);
  const good = groups.find((group) => group.reason === null);
  const invalid = bad.reduce((total, group) => total + Number(group.rows), 0);
  const measures: Measures = {
    rows: sum('rows'),
    valid: sum('rows') - invalid,
    invalid,
    invalidByReason: Object.fromEntries(bad.map((group) => [String(group.reason), Number(group.rows)])),
    nulls: Object.fromEntries(columns.map(({ name }, i) => [name, sum(`n${i}`)])),
    duplicates,
    bytes,
    new: sum('new'),
    latest: Object.fromEntries(times.flatMap(({ name }, i) => entryOf(name, good?.[`t${i}`]))),
  };
  return { measures, examples: invalid === 0 ? [] : await examplesOf(duck, relation) };
}

/** The keys are counted in at most as many parts. */
const mostParts = 256;

/** The rows beyond the first of each key. Counts the keys in parts by their hashes when all at once are too many. */
async function duplicatesIn(duck: Duck, rows: string, key: string, parts = 1): Promise<number> {
  let duplicates = 0;
  try {
    for (let part = 0; part < parts; part++) {
      const within = parts === 1 ? '' : ` AND hash(${key}) % ${parts} = ${part}`;
      const [found] = await duck.rows(`SELECT count(*) - count(DISTINCT ${key}) AS n FROM ${rows}${within}`);
      duplicates += Number(found?.n ?? 0);
    }
    return duplicates;
  } catch (error) {
    if (!isOutOfMemory(error) || parts === mostParts) throw error;
    return duplicatesIn(duck, rows, key, parts * 16);
  }
}

/** ISO text, for both days and times of DuckDB. */
const entryOf = (name: string, value: DuckRow[string] | undefined): [string, string][] =>
  value === null || value === undefined ? [] : [[name, new Date(String(value)).toISOString()]];

async function examplesOf(duck: Duck, relation: string): Promise<Example[]> {
  const rows = await duck.rows(
    `SELECT ${reason} AS reason, ${where} AS place, left(${raw}, 200) AS text FROM ${relation} WHERE ${reason} IS NOT NULL
     QUALIFY row_number() OVER (PARTITION BY ${reason} ORDER BY length(${where}), ${where}) <= ${examplesPerReason}
     ORDER BY ${reason}, length(${where}), ${where}`,
  );
  return rows.map(({ reason: why, place, text }) => ({
    reason: String(why),
    where: String(place),
    text: String(text ?? ''),
  }));
}
