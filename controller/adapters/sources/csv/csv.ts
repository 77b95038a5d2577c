import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Duck } from '../../../clients/duckdb.ts';
import { asItIs, fileLiteral, literal } from '../../../clients/sql.ts';
import { type Column, columnsOf } from '../../../domain/pipeline.ts';
import type { PreviousRead, SourceReader } from '../../../domain/ports/source.ts';
import type { Profile } from '../../../domain/profile.ts';
import { atMost } from '../../../lib/at-most.ts';
import { countRecords, type Records } from '../../../lib/csv-records.ts';
import { reasonOf, rejected, SluiceError } from '../../../lib/errors.ts';
import { measureRelation } from '../../../snapshot/measure.ts';
import { isOutOfMemory, measureInDuck } from '../../../snapshot/measuring-duck.ts';
import { duckdb, reasonSql } from '../../../snapshot/rules.ts';
import {
  asJson,
  csvLine,
  localFiles,
  materialize,
  maximumSnapshotBytes,
  own,
  parquet,
  type SnapshotOptions,
  typedColumn,
  writeSnapshot,
} from '../../../snapshot/snapshot.ts';
import type { CsvPin, CsvSource } from './driver.ts';
import { checkUnchanged, named, type PinnedFile, pinFiles, seenIn, type Where } from './pin.ts';
import { placeRows } from './places.ts';
import { headsOf, scaled } from './sample.ts';
import { checkHeader } from './text.ts';

/** Files whose records are counted at the same time. */
const countedAtOnce = 8;
/** DuckDB holds buffers for every file of a query until its end. */
const filesAtOnce = 200;

/** The reason for a line that DuckDB cannot split. The runner uses the same words. */
const structural = `CASE error_type WHEN 'MISSING COLUMNS' THEN 'too few columns' WHEN 'TOO MANY COLUMNS' THEN 'too many columns' ELSE 'unreadable' END`;

interface Options extends Where {
  readonly scratch: string;
  readonly snapshots?: SnapshotOptions | undefined;
  /** Only a part of a larger source is measured. Bytes; the snapshot limit when left out. */
  readonly sampleAbove?: number;
}

/** CSV files that match a glob. csv-parse reads the headers, DuckDB the rows, in a separate folder. */
export function csvReader(options: Options): SourceReader {
  const { storage } = options;
  return {
    async profile(name, source, earlier) {
      const csv = source as CsvSource;
      const files = await pinFiles(name, csv.csv, options, csv.pending);
      const locals = await localFiles(
        storage,
        files.map(({ path }) => path),
      );
      try {
        return await profileFiles(name, csv, files, locals, earlier, options);
      } catch (error) {
        await checkUnchanged(storage, files);
        throw named(error, files, locals);
      }
    },
    // The runner compares size and time of every file before it reads.
    isReadable: async () => true,
    close: async () => undefined,
  };
}

async function profileFiles(
  name: string,
  csv: CsvSource,
  files: readonly PinnedFile[],
  locals: readonly string[],
  earlier: PreviousRead | undefined,
  { scratch, snapshots, sampleAbove = maximumSnapshotBytes }: Options,
): Promise<Profile> {
  const columns = columnsOf(csv);
  const names = columns.map((c) => c.name);
  const filled: Records[] = [];
  for (const file of locals) {
    const lineEnd = await checkHeader(file, names);
    if (lineEnd !== undefined) filled.push({ file, lineEnd, columns: names.length });
  }
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  await mkdir(scratch, { recursive: true });
  const heads = await mkdtemp(join(scratch, 'heads-'));
  const folders = await Promise.all(filled.flatMap(({ file }) => [dirname(file), realpath(file).then(dirname)]));
  const measured = async (duck: Duck): Promise<Profile> => {
    // This count is independent of DuckDB, and runs first. It finds at once, and describes better, what costs DuckDB
    // minutes.
    const counts = await atMost(countedAtOnce, filled, countRecords);
    const sampled = bytes > sampleAbove ? await headsOf(filled, bytes, heads) : undefined;
    const relation = await load(duck, sampled?.files ?? filled, columns, sampled ? undefined : counts);
    const pin: CsvPin = { kind: 'csv', files, records: counts.reduce((sum, count) => sum + rowsIn(count), 0) };
    const isOld = earlier && !earlier.again ? seenIn(earlier.pin) : () => false;
    const old = locals.filter((_, i) => isOld(files[i] as PinnedFile));
    const seen = sampled
      ? old.map((path) => sampled.files[filled.findIndex(({ file }) => file === path)]?.file ?? path)
      : old;
    const isNew = `NOT list_contains(${list(seen)}::VARCHAR[], ${own.file})`;
    const read = (from: string): string => `(SELECT * EXCLUDE (${own.file}), ${isNew} AS ${own.isNew} FROM ${from})`;
    if (!snapshots || sampled || bytes > snapshots.maximumBytes) {
      const counted = await measureRelation(duck, read(relation), csv.key, bytes);
      return { ...counted, measures: sampled ? scaled(counted.measures, sampled.bytes) : counted.measures, pin };
    }
    const snapshot = await materialize(duck, name, relation);
    const counted = await measureRelation(duck, read(parquet([snapshot.file])), csv.key, bytes);
    return { ...counted, pin: { ...pin, kept: await writeSnapshot(snapshot, snapshots) } };
  };
  try {
    return await measureInDuck(scratch, [...new Set(folders), heads], measured, { ordered: true });
  } finally {
    await rm(heads, { recursive: true, force: true });
  }
}

const list = (items: readonly string[]): string => `[${items.map(literal).join(', ')}]`;

/** While columns are text, they are named by their position, so that no declared name collides with DuckDB's own. */
const placed = (columns: readonly Column[], name: string): string => `c${columns.findIndex((c) => c.name === name)}`;

function reader(files: readonly Records[], columns: readonly Column[]): string {
  const schema = columns.map((_, i) => `c${i}: 'VARCHAR'`).join(', ');
  const paths = files.map(({ file }) => fileLiteral(file)).join(', ');
  return `read_csv([${paths}], header=true, delim=',', quote='"', escape='"', auto_detect=false, filename=true, columns={${schema}}, store_rejects=true, rejects_limit=0, compression='none', ${asItIs})`;
}

/**
 * Reads the files, applies the rules to their rows, and returns the relation of all rows: typed, with location and
 * `file`. With `counts`, the records of each file, it throws a rejected SluiceError when DuckDB lost a record.
 */
async function load(
  duck: Duck,
  files: readonly Records[],
  columns: readonly Column[],
  counts: readonly Count[] | undefined,
): Promise<string> {
  const columnOf = (name: string): string => placed(columns, name);
  const texts = columns.map(({ name }) => columnOf(name));
  if (files.length === 0) {
    const empty = texts.map((column) => `NULL::VARCHAR AS ${column}`).join(', ');
    await duck.run(`CREATE TABLE rows AS SELECT ${empty}, '' AS filename, NULL::VARCHAR AS reason LIMIT 0`);
  } else {
    const reason = reasonSql(columns, { ...duckdb, quote: columnOf }, true);
    for (let i = 0; i < files.length; i += filesAtOnce) {
      const into = i === 0 ? 'CREATE TABLE rows AS' : 'INSERT INTO rows';
      await duck
        .run(`${into} SELECT *, ${reason} AS reason FROM ${reader(files.slice(i, i + filesAtOnce), columns)}`)
        .catch((error: unknown) => {
          throw error instanceof SluiceError || isOutOfMemory(error) ? error : unreadable(error);
        });
    }
  }
  await findBroken(duck, files);
  if (counts) await checkCounts(duck, files, counts);
  await placeRows(
    duck,
    files.map((file, i) => ({ ...file, surplus: counts?.[i]?.surplus ?? true })),
  );
  const invalid = (sql: string): string => `CASE WHEN reason IS NOT NULL THEN ${sql} END`;
  const fields = `CASE WHEN reason IS NOT NULL AND surplus = 0 THEN ${asJson(columns, columnOf)} END`;
  const raw = invalid(`${csvLine(texts)} || repeat(',', surplus)`);
  await duck.run(
    `CREATE VIEW placed AS
     SELECT ${columns.map((column) => typedColumn(column, columnOf(column.name))).join(', ')}, reason AS ${own.reason},
            ${raw} AS ${own.raw}, place AS ${own.where},
            ${fields} AS ${own.fields}, coalesce(${own.fields}, ${own.raw}) AS ${own.original}, filename AS ${own.file}
     FROM (SELECT rows.* REPLACE (CASE WHEN surplus > 0 THEN 'too many columns' ELSE reason END AS reason), place, coalesce(surplus, 0) AS surplus
           FROM rows LEFT JOIN (SELECT row_id, place, surplus FROM places WHERE row_id IS NOT NULL) ON rows.rowid = row_id)
     UNION ALL BY NAME
     SELECT reason AS ${own.reason}, text AS ${own.raw}, place AS ${own.where}, text AS ${own.original}, broken.filename AS ${own.file}
     FROM broken LEFT JOIN places ON broken_id = broken.rowid`,
  );
  return 'placed';
}

/** The error for a file that is not CSV, or in which DuckDB cannot find the lines. */
function unreadable(error: unknown): SluiceError {
  const file = /^\s*file ?= ?(.+?)\s*$/m.exec(String(error))?.[1] ?? 'a file';
  const message = reasonOf(error).replace(/^Invalid Input Error: /, '');
  return rejected(`${file} cannot be read as CSV: ${message}`, 'check for mixed line ends and unbalanced quotes');
}

/** Fills table `broken` with the lines that DuckDB could not split into columns, each once. */
async function findBroken(duck: Duck, files: readonly Records[]): Promise<void> {
  await duck.run('CREATE TABLE broken (filename VARCHAR, byte BIGINT, text VARCHAR, reason VARCHAR, is_text BOOLEAN)');
  if (files.length === 0) return;
  // DuckDB reports a line once per missing or surplus column; only the first entry counts.
  await duck.run(
    `INSERT INTO broken
     SELECT file_path, min(line_byte_position) - 1, trim(any_value(csv_line), chr(10) || chr(13)), first(${structural} ORDER BY column_idx), bool_and(error_type::VARCHAR <> 'INVALID ENCODING')
     FROM reject_errors JOIN reject_scans USING (scan_id, file_id) GROUP BY file_path, line`,
  );
}

type Count = Awaited<ReturnType<typeof countRecords>>;

/** The header is a record, but not a row. */
const rowsIn = ({ records }: Count): number => Math.max(0, records - 1);

/** Every record must be a row or a broken line: DuckDB has been seen to skip records that do not fit its buffers. */
async function checkCounts(duck: Duck, files: readonly Records[], counts: readonly Count[]): Promise<void> {
  const all = await duck.rows(
    'SELECT filename, count(*) AS n FROM (SELECT filename FROM rows UNION ALL SELECT filename FROM broken) GROUP BY 1',
  );
  const read = new Map(all.map(({ filename, n }) => [String(filename), Number(n)]));
  const [odd] = await duck.rows(
    `SELECT filename FROM broken WHERE reason = 'unreadable' AND is_text AND contains(text, chr(10)) LIMIT 1`,
  );
  for (const [i, { file }] of files.entries()) {
    const expected = rowsIn(counts[i] as Count);
    const found = read.get(file) ?? 0;
    if (found !== expected || odd?.filename === file)
      throw rejected(
        `${file}: its ${expected} records cannot be told apart for sure (${found} were read): a quote stands where none may`,
        'put fields with quotes into quotes, and double the quotes inside',
      );
  }
}
