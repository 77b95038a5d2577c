import { basename } from 'node:path';
import type { Duck } from '../../../clients/duckdb.ts';
import { literal } from '../../../clients/sql.ts';
import { type Records, scanRecords } from '../../../lib/csv-records.ts';

/** A row: its number, from 1 among the rows that are not broken, its line, and its count of surplus fields. */
interface Place {
  readonly row: number;
  readonly line: number;
  readonly surplus: number;
}

/** Where the records of a CSV file begin. */
interface Places {
  /**
   * The wanted rows, and all rows with surplus fields; undefined when the file has another number of rows than
   * expected.
   */
  readonly rows: readonly Place[] | undefined;
  /** The line of each broken record, in byte order. */
  readonly broken: readonly number[];
}

/**
 * Finds the lines on which records begin. `wanted` are numbers of splittable rows, ascending; `rows` is their total.
 * Each broken record is given by a byte in it or before it, ascending.
 */
export async function findPlaces(
  records: Records,
  wanted: readonly number[],
  rows: number,
  brokenBytes: readonly number[],
): Promise<Places> {
  const places: Place[] = [];
  const broken: number[] = [];
  // The header is row 0.
  let [row, next] = [-1, 0];
  await scanRecords(records, ({ line, end, surplus }) => {
    if ((brokenBytes[broken.length] ?? Number.POSITIVE_INFINITY) < end) {
      broken.push(line);
      return;
    }
    row += 1;
    if (row === wanted[next]) next += 1;
    else if (surplus === 0) return;
    places.push({ row, line, surplus });
  });
  return { rows: row === rows ? places : undefined, broken };
}

/**
 * Fills table `places` with the location of each invalid row: by row id and surplus fields, or by its id in `broken`.
 * Ids are needed there because two broken lines may have the same byte. A file without invalid rows and without
 * `surplus` is not read again.
 */
export async function placeRows(duck: Duck, all: readonly (Records & { surplus: boolean })[]): Promise<void> {
  await duck.run('CREATE TABLE places (row_id BIGINT, broken_id BIGINT, surplus INTEGER, place VARCHAR)');
  const files = await duck.rows(
    `SELECT filename, coalesce(first, 0) AS first, coalesce(rows, 0) AS rows,
       coalesce(invalid, 0) + coalesce(broken, 0) AS found
     FROM (SELECT filename, min(rowid) AS first, count(*) AS rows, count(reason) AS invalid FROM rows GROUP BY 1)
     FULL JOIN (SELECT filename, count(*) AS broken FROM broken GROUP BY 1) USING (filename)`,
  );
  const recordsOf = new Map(all.map((each) => [each.file, each]));
  const appender = await duck.appender('places');
  const place = (file: string, row: number | undefined, broken: number | undefined, surplus: number, line?: number) => {
    if (row === undefined) appender.appendNull();
    else appender.appendBigInt(BigInt(row));
    if (broken === undefined) appender.appendNull();
    else appender.appendBigInt(BigInt(broken));
    appender.appendInteger(surplus);
    appender.appendVarchar(line === undefined ? basename(file) : `${basename(file)}:${line}`);
    appender.endRow();
  };
  for (const { filename, first, rows, found: toFind } of files) {
    const records = recordsOf.get(String(filename));
    if (!records || (Number(toFind) === 0 && !records.surplus)) continue;
    const { file } = records;
    const numbers = async (sql: string): Promise<number[]> => (await duck.rows(sql)).map(({ n }) => Number(n));
    const ids = await numbers(
      `SELECT rowid AS n FROM rows WHERE reason IS NOT NULL AND filename = ${literal(file)} ORDER BY 1`,
    );
    const broken = await duck.rows(
      `SELECT rowid AS id, byte FROM broken WHERE filename = ${literal(file)} ORDER BY byte, rowid`,
    );
    const wanted = ids.map((id) => id - Number(first) + 1);
    const found = await findPlaces(
      records,
      wanted,
      Number(rows),
      broken.map(({ byte }) => Number(byte)),
    );
    for (const { row, line, surplus } of found.rows ?? [])
      place(file, Number(first) + row - 1, undefined, surplus, line);
    if (!found.rows) for (const id of ids) place(file, id, undefined, 0);
    for (const [i, { id }] of broken.entries()) place(file, undefined, Number(id), 0, found.broken[i]);
  }
  appender.closeSync();
}
