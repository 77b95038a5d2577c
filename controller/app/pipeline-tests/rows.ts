import type { Duck, DuckColumn } from '../../clients/duckdb.ts';
import { identifier, literal } from '../../clients/sql.ts';
import { reasonOf, rejected } from '../../lib/errors.ts';
import { parquet } from '../../snapshot/snapshot.ts';
import type { Row } from './schema.ts';

/** The most rows of a difference that are shown. */
const mostShown = 10;

/** All rows of a view, ordered; with the columns that the expected rows name. */
export async function rowsOf(duck: Duck, files: readonly string[], expected: readonly Row[]): Promise<Row[]> {
  const columns = await comparedColumns(duck, files, expected);
  const value = ({ name, type }: DuckColumn): string =>
    /^(SMALLINT|INTEGER)$/.test(type) ? identifier(name) : shown(name);
  const list = columns.map((column) => `${value(column)} AS ${identifier(column.name)}`);
  return duck.rows(`SELECT ${list.join(', ')} FROM ${parquet(files)} ORDER BY ALL`);
}

/** The columns of a view that the expected rows name; all, when they name none. */
async function comparedColumns(duck: Duck, files: readonly string[], expected: readonly Row[]): Promise<DuckColumn[]> {
  const named = new Set(expected.flatMap((row) => Object.keys(row)));
  return (await duck.columns(parquet(files))).filter(({ name }) => named.size === 0 || named.has(name));
}

const shown = (name: string): string => `CAST(${identifier(name)} AS VARCHAR)`;

/** The difference of a view from its expected rows, as a table of lines; empty when there is none. */
export async function differenceOf(
  duck: Duck,
  view: string,
  files: readonly string[],
  expected: readonly Row[],
): Promise<string[]> {
  const actual = await duck.columns(parquet(files));
  const named = [...new Set(expected.flatMap((row) => Object.keys(row)))];
  const unknown = named.find((name) => !actual.some((column) => column.name === name));
  if (unknown !== undefined)
    return [`${view} has no column ${unknown}; it has ${actual.map(({ name }) => name).join(', ')}`];
  const columns = await comparedColumns(duck, files, expected);
  const table = identifier(`expected ${view}`);
  const list = columns.map(({ name, type }) => `${identifier(name)} ${type}`).join(', ');
  await duck.run(`CREATE OR REPLACE TABLE ${table} (${list})`);
  for (const row of expected) {
    const values = columns.map(({ name }) =>
      row[name] === null || row[name] === undefined ? 'NULL' : literal(String(row[name])),
    );
    await duck.run(`INSERT INTO ${table} VALUES (${values.join(', ')})`).catch((error: unknown) => {
      throw rejected(`expect: a row of ${view} does not fit its types: ${reasonOf(error).split('\n', 1)[0]}`);
    });
  }
  const names = columns.map(({ name }) => identifier(name)).join(', ');
  const texts = columns.map(({ name }) => `${shown(name)} AS ${identifier(name)}`).join(', ');
  const only = (side: string, other: string): Promise<Row[]> =>
    duck.rows(
      `SELECT ${texts} FROM (SELECT ${names} FROM ${side} EXCEPT ALL SELECT ${names} FROM ${other}) ORDER BY ALL LIMIT ${mostShown + 1}`,
    );
  const [missing, surplus] = [await only(table, parquet(files)), await only(parquet(files), table)];
  if (missing.length + surplus.length === 0) return [];
  return [
    `${view} differs; - is expected, + is what it has`,
    ...lined(
      columns.map(({ name }) => name),
      missing,
      surplus,
    ),
  ];
}

/** Rows as aligned columns, those that are missing with -, the others with +. */
function lined(columns: readonly string[], missing: readonly Row[], surplus: readonly Row[]): string[] {
  const cell = (value: unknown): string =>
    value === null || value === undefined ? 'null' : String(value).replaceAll('\n', '⏎').slice(0, 60);
  const marked = (mark: string, rows: readonly Row[]): string[][] =>
    rows.slice(0, mostShown).map((row) => [mark, ...columns.map((name) => cell(row[name]))]);
  const all = [['', ...columns], ...marked('-', missing), ...marked('+', surplus)];
  const widths = all[0]?.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0))) ?? [];
  const more = [missing, surplus].some((rows) => rows.length > mostShown) ? ['  … and more'] : [];
  return [
    ...all.map(
      (row) =>
        `  ${row
          .map((text, i) => text.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}`,
    ),
    ...more,
  ];
}
