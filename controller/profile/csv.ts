import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { glob } from 'tinyglobby';
import { type Duck, literal, openDuck } from '../connect/duckdb.ts';
import { rejected } from '../errors.ts';
import { type Column, columnsOf, type Source } from '../pipeline/schema.ts';
import { checkHeader, findLines, lineOfByte } from './csv-text.ts';
import { csvLine, type Keeping, keep, typedColumn } from './keep.ts';
import { type Broken, measureTable } from './measure.ts';
import type { CsvPin, Example, Pin, Profile, SourceProbe } from './port.ts';
import { duckdb, reasonSql } from './rules.ts';

type CsvSource = Extract<Source, { csv: string }>;

/** What DuckDB calls a line it cannot split, in our words; the runner uses the same ones. */
const structural = `CASE error_type WHEN 'MISSING COLUMNS' THEN 'too few columns' WHEN 'TOO MANY COLUMNS' THEN 'too many columns' ELSE 'unreadable' END`;
const examplesPerReason = 2;

interface Options {
  readonly root: string;
  readonly scratch: string;
  readonly keeping?: Keeping | undefined;
}

/** CSV files by a glob: headers and offending lines by csv-parse, the counting by DuckDB in a folder of its own. */
export function csvProbe({ root, scratch, keeping }: Options): SourceProbe {
  return {
    async profile(name, source, previous) {
      const csv = source as CsvSource;
      const columns = columnsOf(csv);
      const files = await pinFiles(name, csv.csv, root);
      const filled: string[] = [];
      for (const { path } of files) {
        if (
          await checkHeader(
            path,
            columns.map((c) => c.name),
          )
        )
          filled.push(path);
      }
      const pin: CsvPin = { kind: 'csv', files };
      const bytes = files.reduce((sum, file) => sum + file.size, 0);
      const duck = await openDuck(scratch);
      try {
        const broken = await load(duck, filled, columns, seenFiles(files, previous));
        const measures = await measureTable(duck, 'rows', columns, csv.key, bytes, broken);
        const found = await examples(duck, columns);
        if (!keeping || bytes > keeping.upToBytes) return { measures, pin, examples: found } satisfies Profile;
        const kept = await keep(duck, name, keptRows(columns, await hasBroken(duck)), keeping);
        return { measures, pin: { ...pin, kept }, examples: found } satisfies Profile;
      } finally {
        await duck.close();
      }
    },
    async sample(name, source, n) {
      const csv = source as CsvSource;
      const columns = columnsOf(csv);
      const files = await pinFiles(name, csv.csv, root);
      const duck = await openDuck(scratch);
      try {
        const rows = await duck.rows(
          `SELECT * FROM ${reader(
            files.map((f) => f.path),
            columns,
          )} LIMIT ${n}`,
        );
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

function seenFiles(files: CsvPin['files'], previous: Pin | undefined): string[] {
  if (previous?.kind !== 'csv') return [];
  const same = (a: CsvPin['files'][number], b: CsvPin['files'][number]): boolean =>
    a.path === b.path && a.size === b.size && a.mtimeMs === b.mtimeMs;
  return files.filter((file) => previous.files.some((old) => same(file, old))).map((file) => file.path);
}

const list = (items: readonly string[]): string => `[${items.map(literal).join(', ')}]`;

function reader(files: readonly string[], columns: readonly Column[]): string {
  const schema = columns.map((c) => `${literal(c.name)}: 'VARCHAR'`).join(', ');
  return `read_csv(${list(files)}, header=true, delim=',', quote='"', escape='"', auto_detect=false, filename=true, columns={${schema}}, store_rejects=true, rejects_limit=0)`;
}

/** Fills table `rows`, and returns the lines that could not be split into columns. */
async function load(
  duck: Duck,
  files: readonly string[],
  columns: readonly Column[],
  seen: readonly string[],
): Promise<Broken[]> {
  const isNew = (path: string): string => `NOT list_contains(${list(seen)}::VARCHAR[], ${path})`;
  if (files.length === 0) {
    const empty = columns.map((c) => `NULL::VARCHAR AS "${c.name}"`).join(', ');
    await duck.run(
      `CREATE TABLE rows AS SELECT ${empty}, '' AS filename, NULL::VARCHAR AS _reason, true AS _new LIMIT 0`,
    );
    return [];
  }
  await duck.run(
    `CREATE TABLE rows AS SELECT *, ${reasonSql(columns, duckdb, true)} AS _reason, ${isNew('filename')} AS _new FROM ${reader(files, columns)}`,
  );
  // A line has one entry for each column it lacks or has too many: it is counted once, by its first.
  await duck.run(
    `CREATE TABLE broken AS SELECT file_path, line, any_value(csv_line) AS text, min(line_byte_position) AS byte, first(${structural} ORDER BY column_idx) AS _reason
     FROM reject_errors JOIN reject_scans USING (scan_id, file_id) GROUP BY file_path, line`,
  );
  const groups = await duck.rows(
    `SELECT _reason AS reason, count(*) AS rows, count(*) FILTER (WHERE ${isNew('file_path')}) AS new FROM broken GROUP BY 1`,
  );
  return groups as unknown as Broken[];
}

/** All rows with their types; those that could not be split have nothing but their text. */
function keptRows(columns: readonly Column[], broken: boolean): string {
  const raw = `CASE WHEN _reason IS NOT NULL THEN ${csvLine(columns)} END AS _raw`;
  const rows = `SELECT ${columns.map(typedColumn).join(', ')}, _reason, ${raw} FROM rows`;
  return broken ? `${rows} UNION ALL BY NAME SELECT _reason, text AS _raw FROM broken` : rows;
}

const hasBroken = async (duck: Duck): Promise<boolean> =>
  (await duck.rows(`SELECT table_name FROM duckdb_tables() WHERE table_name = 'broken'`)).length > 0;

async function examples(duck: Duck, columns: readonly Column[]): Promise<Example[]> {
  const found: Example[] = [];
  if (await hasBroken(duck)) {
    const lines = await duck.rows(
      `SELECT * FROM broken QUALIFY row_number() OVER (PARTITION BY _reason ORDER BY file_path, line) <= ${examplesPerReason}`,
    );
    for (const row of lines) {
      found.push({
        reason: String(row._reason),
        where: `${basename(String(row.file_path))}:${await lineOfByte(String(row.file_path), Number(row.byte))}`,
        text: String(row.text).slice(0, 200),
      });
    }
  }
  const rows = await duck.rows(
    `SELECT * FROM rows WHERE _reason IS NOT NULL
     QUALIFY row_number() OVER (PARTITION BY _reason ORDER BY filename, rowid) <= ${examplesPerReason}`,
  );
  for (const file of new Set(rows.map((row) => String(row.filename)))) {
    const offending = rows.filter((row) => row.filename === file);
    const wanted = new Map(
      offending.map((row) => [columns.map((c) => row[c.name] ?? '').join('\u0001'), String(row._reason)]),
    );
    found.push(...(await findLines(file, wanted)));
  }
  return found;
}
