import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { engines } from '../differential/engines.ts';
import { folder, lastRun, project, sluice, sluiceJson, smallPipeline, write } from './world.ts';

/** Sets the engine of all steps of a pipeline file. */
function withEngine(file: string, engine: string): string {
  const path = join(folder, file);
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^( +)spark:/gm, `$1engine: ${engine}\n$1spark:`));
  return file;
}

describe('SQL that means different things to the two engines', () => {
  /** Each is planted: the translation gives it Spark's meaning, or refuses it by name. */
  const planted = {
    'null order': 'SELECT id, row_number() OVER (ORDER BY nullif(id, 2), id) AS place FROM small',
    'integer division': 'SELECT id, id / 2 AS half, id DIV 2 AS whole FROM small',
    'decimal scale':
      'SELECT id, CAST(id AS decimal(10, 2)) / CAST(3 AS decimal(5, 1)) AS third, CAST(id AS decimal(10, 2)) * 0.1 AS tenth FROM small',
    'casts that cut off':
      'SELECT id, CAST(id * 1.5 AS int) AS cut, CAST(CAST(id AS double) * 1.5 AS int) AS also FROM small',
    'time zone':
      "SELECT id, CAST(CAST('2026-03-29 01:30:00+01:00' AS timestamp) AS string) AS at, hour(TIMESTAMP '2026-03-29 01:30:00') AS h FROM small",
    'texts with escapes': `SELECT id, 'it\\'s' AS a, "double \\"quoted\\"" AS b, concat(nullif(note, note), 'x') AS c FROM small`,
  };
  test('is computed as Spark computes it, and `sluice prove` shows it', async () => {
    const views = Object.values(planted).map((sql, i) => `CREATE OR REPLACE TEMP VIEW p${i} AS ${sql};`);
    const names = Object.keys(planted).map((_, i) => `p${i}`);
    const outputs = `      - { parquet: data/published/planted, views: [${names.join(', ')}] }`;
    const file = await smallPipeline('planted', { sql: views.join('\n'), outputs });
    const proved = await sluiceJson('prove', file);
    expect(proved.exitCode, proved.stderr).toBe(0);
    expect(proved.doc).toMatchObject({ steps: [{ outcome: 'proven', details: [] }] });
  });

  test.each([
    ['a regular expression', "SELECT id FROM small WHERE note RLIKE 'a+'"],
    ['a format of dates', "SELECT id, date_format(current_date(), 'E') AS d FROM small"],
  ])('%s is refused by name', async (what, sql) => {
    const name = what.replaceAll(' ', '-');
    await smallPipeline(name, { sql: `CREATE OR REPLACE TEMP VIEW result AS ${sql}` });
    const file = await smallPipeline(name, { sql: `CREATE OR REPLACE TEMP VIEW result AS ${sql}` });
    const proved = await sluiceJson('prove', file);
    expect(proved.exitCode).toBe(1);
    expect(proved.doc).toMatchObject({ steps: [{ outcome: 'refused', details: [expect.stringMatching(/line 1/)] }] });
  });
});
describe('a step with `engine: auto`', () => {
  const outputs = (name: string): string => `      - { parquet: data/published/${name}, views: [result] }`;
  const attempts = async () => (await lastRun()).steps[0]?.attempts.map(({ engine }) => engine);

  test('runs on Spark with a shadow until three are equal, then on the embedded engine', async () => {
    const sql = 'CREATE OR REPLACE TEMP VIEW result AS SELECT id, note, id / 2 AS half FROM small';
    const file = withEngine(await smallPipeline('shadowed', { sql, outputs: outputs('shadowed') }), 'auto');
    const said: string[] = [];
    for (let i = 0; i < 3; i++) {
      const run = await sluice('run', file);
      expect(run.exitCode, run.stdout).toBe(0);
      expect(await attempts()).toEqual(['spark']);
      said.push(run.stdout);
    }
    expect(said.join()).toMatch(/shadow +work: the embedded engine computed the same 3 rows/);
    const plan = await sluice('plan', file);
    expect(plan.stdout).toMatch(/engine +embedded .*3 equal runs showed what Spark gives/);
    const fourth = await sluice('run', file);
    expect(fourth.exitCode, fourth.stdout).toBe(0);
    expect(await attempts()).toEqual(['embedded']);
    expect(fourth.stdout).not.toMatch(/^shadow/m);
  });

  test('stays on Spark when the engines differ, which `prove` and `plan` report with rows', async () => {
    // Rows with the same note have no order: each engine numbers them in its own.
    await write('data/ties/a.csv', `id,note\n${Array.from({ length: 3000 }, (_, i) => `${i},same`).join('\n')}\n`);
    const sql =
      'CREATE OR REPLACE TEMP VIEW result AS SELECT id, row_number() OVER (ORDER BY note, id % 7) AS place FROM small';
    const file = withEngine(await smallPipeline('ties', { sql, outputs: outputs('ties') }), 'auto');
    writeFileSync(join(folder, file), readFileSync(join(folder, file), 'utf8').replace('data/small/', 'data/ties/'));
    const proved = await sluice('prove', file);
    expect(proved.exitCode, proved.stdout).toBe(1);
    expect(proved.stdout).toMatch(/work: the engines differ; the step stays on Spark/);
    expect(proved.stdout).toMatch(/rows are only what Spark computed, such as {"id":\d+,"place":\d+}/);
    const run = await sluice('run', file);
    expect(run.exitCode, run.stdout).toBe(0);
    expect(await attempts()).toEqual(['spark']);
    expect((await sluice('plan', file)).stdout).toMatch(/engine +spark .*the engines differed/);
  });
});

test('SQL in which the engines are known to differ is refused by `engine: embedded` before anything runs', async () => {
  const sql = "CREATE OR REPLACE TEMP VIEW result AS SELECT id FROM small WHERE note RLIKE 'o'";
  const file = withEngine(await smallPipeline('asked', { sql }), 'embedded');
  const run = await sluice('run', file);
  expect(run.exitCode).toBe(1);
  expect(run.stdout).toMatch(/step work: the embedded engine cannot compute it: line 1: view result/);
});

test('both engines write the same CSV: spaces, quotes, empty texts, NULL, times and decimals', async () => {
  const sql = `CREATE OR REPLACE TEMP VIEW result AS SELECT id, '  padded ' AS padded, 'a "b", c' AS quoted, '' AS empty,
    nullif(note, note) AS nothing, TIMESTAMP '2026-03-29 01:30:00.123456' AS at, DATE '2026-03-29' AS day,
    CAST(id AS decimal(10, 2)) / 3 AS third, 0.01 AS cent, id > 1 AS more, 'два\\nslices' AS lines FROM small`;
  const written: string[] = [];
  for (const engine of ['spark', 'embedded']) {
    const outputs = `      - { csv: data/published/text-${engine}, views: [result] }`;
    const file = withEngine(await smallPipeline(`text-${engine}`, { sql, outputs }), engine);
    const run = await sluice('run', file);
    expect(run.exitCode, run.stdout).toBe(0);
    const at = join(folder, `data/published/text-${engine}/current/result`);
    const [part = ''] = readdirSync(at).filter((name) => name.startsWith('part-'));
    written.push(
      readFileSync(join(at, part), 'utf8')
        .split(/\n(?=\d)/)
        .sort()
        .map((line) => line.trimEnd())
        .join('\n'),
    );
  }
  expect(written[0]).toContain('  padded ');
  expect(written[1]).toBe(written[0]);
});

test('customer-report gives the same on both engines', async () => {
  const made = await sluice('demo-data', '--rows', '20000');
  expect(made.exitCode, made.stderr).toBe(0);
  const proved = await sluiceJson('prove', 'conf/pipelines/customer-report.yaml', '--step', 'marts');
  expect(proved.exitCode, proved.stderr).toBe(0);
});

test('two hundred random marts: Spark and the embedded engine agree, or the construct is refused by name', async () => {
  const seed = 1 + Math.floor(Math.random() * 1e6);
  const log = (line: string): void => void process.stdout.write(`${line}\n`);
  const outcomes = await engines(await project(), { seed, cases: 200, log });
  expect(outcomes.filter(({ outcome }) => outcome === 'different')).toEqual([]);
  expect(outcomes.filter(({ outcome }) => outcome === 'equal').length).toBeGreaterThan(150);
}, 900_000);
