import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Duck, openDuck } from '../../controller/clients/duckdb.ts';
import { literal } from '../../controller/clients/sql.ts';
import type { Report } from '../../controller/domain/pipeline.ts';
import { chartSvg } from '../../controller/report/chart.ts';
import { computeReport } from '../../controller/report/data.ts';
import { shownValue } from '../../controller/report/numbers.ts';
import { reportPage } from '../../controller/report/page.ts';
import { parquet } from '../../controller/snapshot/snapshot.ts';
import { world } from '../engine/world.ts';
import { good, load } from '../pipeline/files.ts';
import { profile } from '../planning/profiles.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-report-'));
let duck: Duck;
beforeAll(async () => {
  duck = await openDuck(root, [root]);
  await mkdir(join(root, 'marts'));
  await duck.run(
    `COPY (SELECT * FROM (VALUES ('Москва', 1200.5), ('<b>', 3)) t(city, revenue)) TO ${literal(join(root, 'marts', 'a.parquet'))} (FORMAT parquet)`,
  );
});
afterAll(async () => {
  await duck.close();
  rmSync(root, { recursive: true });
});

const report: Report = {
  title: { en: 'Shop', ru: 'Магазин' },
  figures: [{ name: 'Revenue', sql: 'SELECT sum(revenue) FROM marts' }],
  charts: [{ title: 'By city', kind: 'bar', sql: 'SELECT city, revenue::double AS revenue FROM marts' }],
  tables: [{ title: 'Cities', sql: 'SELECT * FROM marts ORDER BY revenue' }],
  spreadsheets: ['marts'],
};
const views = new Map([['marts', parquet([join(root, 'marts', 'a.parquet')])]]);

describe('a report', () => {
  test('is computed from the published output, including spreadsheets', async () => {
    const data = await computeReport(duck, report, views, 'en', root);
    expect(data.figures).toEqual([{ name: 'Revenue', value: '1\u00a0203.50' }]);
    expect(data.charts[0]?.svg).toMatch(/^<svg[\s\S]*Москва[\s\S]*<\/svg>$/);
    const csv = await readFile(join(root, 'marts.csv'), 'utf8');
    expect(csv).toMatch(/^\uFEFFcity,revenue\n[^\n]+\n[^\n]+\n/);
    expect(csv).toMatch(/[^\n]\n$/);
  });

  test('has a header alone in the spreadsheet of a view without rows, whatever the names of its columns', async () => {
    await mkdir(join(root, 'none'));
    const file = join(root, 'none', 'a.parquet');
    await duck.run(`COPY (SELECT 1 AS "a ""b"", c", '' AS d LIMIT 0) TO ${literal(file)} (FORMAT parquet)`);
    const none = new Map([['none', parquet([file])]]);
    await computeReport(
      duck,
      { ...report, figures: [], charts: [], tables: [], spreadsheets: ['none'] },
      none,
      'en',
      root,
    );
    expect(await readFile(join(root, 'none.csv'), 'utf8')).toBe('\uFEFF"a ""b"", c",d\n');
  });

  test('escapes formula-like texts in a spreadsheet; numbers stay numbers', async () => {
    await mkdir(join(root, 'odd'));
    const cells = ['=HYPERLINK("http://x","y")', '+1', '-2', '@SUM(A1)', '\t=1', '\r=1', 'plain = text', ''];
    const values = cells.map((cell, i) => `(${literal(cell)}, ${i - 3})`).join(', ');
    await duck.run(
      `COPY (SELECT * FROM (VALUES ${values}) t("=name", n)) TO ${literal(join(root, 'odd', 'a.parquet'))} (FORMAT parquet)`,
    );
    const odd = new Map([['odd', parquet([join(root, 'odd', 'a.parquet')])]]);
    await computeReport(
      duck,
      { ...report, figures: [], charts: [], tables: [], spreadsheets: ['odd'] },
      odd,
      'en',
      root,
    );
    const csv = await readFile(join(root, 'odd.csv'));
    const [head, ...rows] = parse(csv, { bom: true, relaxQuotes: false }) as string[][];
    expect(head).toEqual(["'=name", 'n']);
    const read = new Map(rows.map(([cell, n]) => [Number(n), cell]));
    expect(cells.map((_, i) => read.get(i - 3))).toEqual([
      ...cells.slice(0, 6).map((cell) => `'${cell}`),
      'plain = text',
      '',
    ]);
  });

  test('draws a pie of at most a hundred slices, without control characters', async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => ({ name: `n${i}`, value: i }));
    const svg = await chartSvg('pie', rows, 'the others');
    expect(svg).toContain('the others');
    expect(svg).toContain('n19999');
    expect(svg).not.toContain('n19900:');
    expect(svg.match(/<path /g)?.length).toBeLessThan(250);
    expect(await chartSvg('bar', [{ name: 'a\u0000b', value: 1 }], '')).not.toContain('\u0000');
  });

  test('omits queries on a view that this run did not publish', async () => {
    const other = {
      ...report,
      figures: [{ name: 'Other', sql: 'SELECT 1 FROM rows_to_repair' }],
      spreadsheets: ['rows_to_repair'],
    };
    const data = await computeReport(duck, other, views, 'en', root);
    expect(data.figures).toEqual([]);
    expect(data.spreadsheets).toEqual([]);
  });

  test('names the query that fails', async () => {
    const wrong = { ...report, figures: [{ name: 'Revenue', sql: 'SELECT reveneu FROM marts' }] };
    await expect(computeReport(duck, wrong, views, 'en', root)).rejects.toThrow(/"Revenue": .*reveneu/);
  });

  test('is one self-contained page, in the language of the reader, with everything escaped', async () => {
    const { state } = await world({
      deliveries: profile({ invalid: 2, invalidByReason: { 'id: missing': 2 } }),
      orders: profile(),
    }).run(await load(good));
    const data = await computeReport(duck, report, views, 'ru', root);
    const page = reportPage('r1', report, state, data, 'ru', Date.UTC(2026, 0, 2));
    expect(page).toContain('<h1>Магазин</h1>');
    expect(page).toContain('id: missing: 2');
    expect(page).toContain('&lt;b&gt;');
    expect(page).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/);
  });
});

test('values are formatted for people', () => {
  expect([1234567, 0.5, null, '2026-01-01T00:00:00.000Z', 'x'].map((value) => shownValue(value))).toEqual([
    '1\u00a0234\u00a0567',
    '0.50',
    '—',
    '2026-01-01',
    'x',
  ]);
});
