import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duck, DuckRow } from '../clients/duckdb.ts';
import { identifier, literal } from '../clients/sql.ts';
import { inLanguage, type Report } from '../domain/pipeline.ts';
import { reasonOf } from '../lib/errors.ts';
import { type Language, words } from '../messages/words.ts';
import { chartSvg } from './chart.ts';
import { shownValue } from './numbers.ts';

/** The computed part of a report. */
export interface ReportData {
  readonly figures: readonly { readonly name: string; readonly value: string }[];
  readonly charts: readonly { readonly title: string; readonly svg: string }[];
  readonly tables: readonly { readonly title: string; readonly rows: readonly DuckRow[] }[];
  readonly spreadsheets: readonly string[];
}

/**
 * Runs the queries of a report over published views, given as DuckDB relations, and writes the spreadsheets into
 * `folder`. Queries on a view that this run did not publish are omitted. Any other error of a query is thrown with the
 * query's title.
 */
export async function computeReport(
  duck: Duck,
  report: Report,
  views: ReadonlyMap<string, string>,
  language: Language,
  folder: string,
): Promise<ReportData> {
  for (const [view, relation] of views)
    await duck.run(`CREATE OR REPLACE VIEW ${identifier(view)} AS SELECT * FROM ${relation}`);
  const ask = async (title: string, sql: string): Promise<DuckRow[] | undefined> => {
    try {
      return await duck.select(sql);
    } catch (error) {
      if (/Table with name \w+ does not exist/.test(String(error))) return undefined;
      throw new Error(`"${title}": ${reasonOf(error)}`, { cause: error });
    }
  };

  const figures: { name: string; value: string }[] = [];
  for (const figure of report.figures) {
    const name = inLanguage(figure.name, language);
    const rows = await ask(name, figure.sql);
    if (rows) figures.push({ name, value: shownValue(Object.values(rows[0] ?? {})[0]) });
  }
  const charts: { title: string; svg: string }[] = [];
  for (const chart of report.charts) {
    const title = inLanguage(chart.title, language);
    const rows = await ask(title, chart.sql);
    if (rows && rows.length > 0) charts.push({ title, svg: await chartSvg(chart.kind, rows, words[language].others) });
  }
  const tables: { title: string; rows: DuckRow[] }[] = [];
  for (const table of report.tables) {
    const title = inLanguage(table.title, language);
    const rows = await ask(title, table.sql);
    if (rows) tables.push({ title, rows });
  }
  const spreadsheets: string[] = [];
  for (const view of report.spreadsheets) {
    const file = `${view}.csv`;
    const first = await ask(view, `SELECT 1 FROM ${identifier(view)} LIMIT 1`);
    if (!first) continue;
    await writeSpreadsheet(duck, view, join(folder, file), first.length === 0);
    spreadsheets.push(file);
  }
  return { figures, charts, tables, spreadsheets };
}

/** Spreadsheet programs evaluate such text as a formula; a leading apostrophe prevents it. */
const formula = /^[=+\-@\t\r\n]/;
const asText = (text: string): string => (formula.test(text) ? `'${text}` : text);

/** The byte-order mark by which spreadsheet programs recognise UTF-8. */
const byteOrderMark = '\uFEFF';
const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/**
 * CSV with a byte-order mark. Formula-like text gets an apostrophe; numbers stay numbers. DuckDB writes mark and header
 * before the rows, so that a file of any size takes no memory here.
 */
async function writeSpreadsheet(duck: Duck, view: string, file: string, isEmpty: boolean): Promise<void> {
  const columns = await duck.columns(identifier(view));
  const header = `${byteOrderMark}${columns.map(({ name }) => quoted(asText(name))).join(',')}\n`;
  // For a view without rows, DuckDB would write its suffix as a line of its own.
  if (isEmpty) return writeFile(file, header);
  const cells = columns.map(({ name, type }) => {
    const text = `${identifier(name)}::VARCHAR`;
    const marked = `CASE WHEN regexp_matches(${text}, ${literal(formula.source)}) THEN '''' || ${text} ELSE ${text} END`;
    return /^(VARCHAR|ENUM|JSON)/.test(type) ? marked : identifier(name);
  });
  await duck.run(
    `COPY (SELECT ${cells.join(', ')} FROM ${identifier(view)}) TO ${literal(file)}
     (FORMAT csv, HEADER false, PREFIX ${literal(header)}, SUFFIX ${literal('\n')})`,
  );
}
