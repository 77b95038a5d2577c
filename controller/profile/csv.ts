import { rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { glob } from 'tinyglobby';
import { type Duck, literal, openDuck } from '../connect/duckdb.ts';
import { reasonOf, rejected, type SluiceError } from '../errors.ts';
import { type Column, columnsOf, type Source } from '../pipeline/schema.ts';
import { headsOf, scaled } from './csv-sample.ts';
import { checkHeader, findPlaces } from './csv-text.ts';
import { asJson, csvLine, type Keeping, keep, parquet, typedColumn, upToBytes } from './keep.ts';
import { measured } from './measure.ts';
import type { CsvPin, Pin, SourceProbe } from './port.ts';
import { duckdb, reasonSql } from './rules.ts';

type CsvSource = Extract<Source, { csv: string }>;

/** What DuckDB calls a line it cannot split, in our words; the runner uses the same ones. */
const structural = `CASE error_type WHEN 'MISSING COLUMNS' THEN 'too few columns' WHEN 'TOO MANY COLUMNS' THEN 'too many columns' ELSE 'unreadable' END`;

interface Options {
  readonly root: string;
  readonly scratch: string;
  readonly keeping?: Keeping | undefined;
  /** Of more bytes than these only a part is measured; as many as are kept at most, when left out. */
  readonly sampleAbove?: number;
}

/** CSV files by a glob: headers by csv-parse, the rest by DuckDB in a folder of its own. */
export function csvProbe({ root, scratch, keeping, sampleAbove = upToBytes }: Options): SourceProbe {
  return {
    async profile(name, source, earlier) {
      const csv = source as CsvSource;
      const columns = columnsOf(csv);
      const names = columns.map((c) => c.name);
      const files = await pinFiles(name, csv.csv, root);
      const filled: string[] = [];
      for (const { path } of files) if (await checkHeader(path, names)) filled.push(path);
      const pin: CsvPin = { kind: 'csv', files };
      const bytes = files.reduce((sum, file) => sum + file.size, 0);
      const duck = await openDuck(scratch);
      try {
        const sampled = bytes > sampleAbove ? await headsOf(filled, bytes, join(scratch, `${name}-sample`)) : undefined;
        const relation = await load(duck, sampled?.files ?? filled, columns);
        const old = earlier && !earlier.again ? seenFiles(files, earlier.pin) : [];
        const seen = old.map((path) => sampled?.files[filled.indexOf(path)] ?? path);
        const isNew = `NOT list_contains(${list(seen)}::VARCHAR[], _file)`;
        if (!keeping || sampled || bytes > keeping.upToBytes) {
          const read = `(SELECT * EXCLUDE (_file), ${isNew} AS _new FROM ${relation})`;
          const counted = await measured(duck, read, csv.key, bytes);
          return { ...counted, measures: sampled ? scaled(counted.measures, sampled.bytes) : counted.measures, pin };
        }
        const kept = await keep(duck, name, relation, keeping);
        const read = `(SELECT * EXCLUDE (_file), ${isNew} AS _new FROM ${parquet(kept.paths)})`;
        return { ...(await measured(duck, read, csv.key, bytes)), pin: { ...pin, kept } };
      } finally {
        await duck.close();
        await rm(join(scratch, `${name}-sample`), { recursive: true, force: true });
      }
    },
    async sample(name, source, n) {
      const csv = source as CsvSource;
      const columns = columnsOf(csv);
      const files = await pinFiles(name, csv.csv, root);
      const duck = await openDuck(scratch);
      try {
        const paths = files.map((f) => f.path);
        const rows = await duck.rows(`SELECT * FROM ${reader(paths, columns)} LIMIT ${n}`);
        return rows.map(({ filename: _, ...row }) => row as Record<string, string | null>);
      } finally {
        await duck.close();
      }
    },
    // The runner compares size and time of every file before it reads.
    holds: async () => true,
    close: async () => undefined,
  };
}

async function pinFiles(name: string, pattern: string, root: string): Promise<CsvPin['files']> {
  const paths = await glob([pattern], { cwd: root, absolute: true });
  const files = await Promise.all(
    paths.map(async (path) => {
      const { size, mtimeMs } = await stat(path);
      return { path, size, mtimeMs };
    }),
  );
  if (files.length === 0) {
    throw rejected(
      `${name}: no file matches ${pattern} in ${root}`,
      'correct the glob, or put the files there (`sluice demo-data` makes some)',
    );
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function seenFiles(files: CsvPin['files'], previous: Pin): string[] {
  if (previous.kind !== 'csv') return [];
  const same = (a: CsvPin['files'][number], b: CsvPin['files'][number]): boolean =>
    a.path === b.path && a.size === b.size && a.mtimeMs === b.mtimeMs;
  return files.filter((file) => previous.files.some((old) => same(file, old))).map((file) => file.path);
}

const list = (items: readonly string[]): string => `[${items.map(literal).join(', ')}]`;

function reader(files: readonly string[], columns: readonly Column[]): string {
  const schema = columns.map((c) => `${literal(c.name)}: 'VARCHAR'`).join(', ');
  return `read_csv(${list(files)}, header=true, delim=',', quote='"', escape='"', auto_detect=false, filename=true, columns={${schema}}, store_rejects=true, rejects_limit=0)`;
}

/** Reads the files, judges their rows, and returns the relation that has them all, with `_file` besides; typed and placed. */
async function load(duck: Duck, files: readonly string[], columns: readonly Column[]): Promise<string> {
  // A row's place in the table tells its line.
  await duck.run('SET preserve_insertion_order = true');
  if (files.length === 0) {
    const empty = columns.map((c) => `NULL::VARCHAR AS "${c.name}"`).join(', ');
    await duck.run(`CREATE TABLE rows AS SELECT ${empty}, '' AS filename, NULL::VARCHAR AS _reason LIMIT 0`);
  } else {
    const judged = `SELECT *, ${reasonSql(columns, duckdb, true)} AS _reason FROM ${reader(files, columns)}`;
    await duck.run(`CREATE TABLE rows AS ${judged}`).catch((error: unknown) => {
      throw unreadable(error);
    });
  }
  await findBroken(duck, files);
  await placeRows(duck);
  const invalid = (sql: string): string => `CASE WHEN _reason IS NOT NULL THEN ${sql} END`;
  const fields = invalid(asJson(columns));
  await duck.run(
    `CREATE VIEW placed AS
     SELECT ${columns.map(typedColumn).join(', ')}, _reason, ${invalid(csvLine(columns))} AS _raw, _where,
            ${fields} AS _fields, ${fields} AS _original, filename AS _file
     FROM rows LEFT JOIN (SELECT _row, _where FROM places WHERE _row IS NOT NULL) ON rows.rowid = _row
     UNION ALL BY NAME
     SELECT _reason, text AS _raw, _where, text AS _original, filename AS _file
     FROM broken LEFT JOIN places ON _file = filename AND _byte = byte`,
  );
  return 'placed';
}

/** What DuckDB says of a file that is no CSV at all, or is mixed up so much that no line can be told. */
function unreadable(error: unknown): SluiceError {
  const file = /^\s*file ?= ?(.+?)\s*$/m.exec(String(error))?.[1] ?? 'a file';
  const said = reasonOf(error).replace(/^Invalid Input Error: /, '');
  return rejected(`${file} cannot be read as CSV: ${said}`, 'are its line ends all of one kind, its quotes closed?');
}

/** The lines that could not be split into columns, in table `broken`; each once. */
async function findBroken(duck: Duck, files: readonly string[]): Promise<void> {
  await duck.run('CREATE TABLE broken (filename VARCHAR, byte BIGINT, text VARCHAR, _reason VARCHAR)');
  if (files.length === 0) return;
  // A line has one entry for each column it lacks or has too many: it is counted once, by its first.
  await duck.run(
    `INSERT INTO broken
     SELECT file_path, min(line_byte_position) - 1, any_value(csv_line), first(${structural} ORDER BY column_idx)
     FROM reject_errors JOIN reject_scans USING (scan_id, file_id) GROUP BY file_path, line`,
  );
}

/** Where each invalid row stands, in table `places`, by its row or, of a broken line, by its byte; a file that has none is not read again. */
async function placeRows(duck: Duck): Promise<void> {
  await duck.run('CREATE TABLE places (_file VARCHAR, _row BIGINT, _byte BIGINT, _where VARCHAR)');
  const files = await duck.rows(
    `SELECT filename, min(rowid) AS first, count(*) AS rows FROM rows GROUP BY 1 UNION ALL BY NAME
     SELECT DISTINCT filename, 0 AS first, 0 AS rows FROM broken ANTI JOIN rows USING (filename)`,
  );
  const appender = await duck.appender('places');
  const place = (file: string, row: number | undefined, byte: number | undefined, line: number | undefined): void => {
    appender.appendVarchar(file);
    if (row === undefined) appender.appendNull();
    else appender.appendBigInt(BigInt(row));
    if (byte === undefined) appender.appendNull();
    else appender.appendBigInt(BigInt(byte));
    appender.appendVarchar(line === undefined ? basename(file) : `${basename(file)}:${line}`);
    appender.endRow();
  };
  for (const { filename, first, rows } of files) {
    const file = String(filename);
    const numbers = async (sql: string): Promise<number[]> => (await duck.rows(sql)).map(({ n }) => Number(n));
    const ids = await numbers(
      `SELECT rowid AS n FROM rows WHERE _reason IS NOT NULL AND filename = ${literal(file)} ORDER BY 1`,
    );
    const bytes = await numbers(`SELECT byte AS n FROM broken WHERE filename = ${literal(file)} ORDER BY 1`);
    if (ids.length + bytes.length === 0) continue;
    const wanted = ids.map((id) => id - Number(first) + 1);
    const found = await findPlaces(file, wanted, Number(rows), bytes);
    for (const [i, id] of ids.entries()) place(file, id, undefined, found.rows?.[i]);
    for (const [i, byte] of bytes.entries()) place(file, undefined, byte, found.broken[i]);
  }
  appender.closeSync();
}
