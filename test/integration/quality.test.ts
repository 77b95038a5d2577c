import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openDuck } from '../../controller/clients/duckdb.ts';
import { folder, query, type RunDocument, read, sluice, sluiceJson, write } from './world.ts';

/** Quarantined rows that are repaired and replayed; row checks; saved plans. */

const file = 'conf/pipelines/quality.yaml';
const good = [
  'id,customer,amount,placed_at',
  '1,anna,10.5,2026-11-01 10:00:00',
  '2,boris,20,2026-11-02 10:00:00',
  '3,"vera, née B",30,2026-11-03 10:00:00',
  '4,anna,40,2026-11-04 10:00:00',
  '5,gleb,50,2026-11-05 10:00:00',
  '6,anna,60,2026-11-06 10:00:00',
];
/** The same, with a broken line, a value of the wrong type, a negative amount and an unknown customer. */
const bad = good.map(
  (line, i) =>
    ({
      2: '2,boris',
      3: '3,"vera, née B",thirty,2026-11-03 10:00:00',
      4: '4,anna,-40,2026-11-04 10:00:00',
      6: '6,nobody,60,2026-11-06 10:00:00',
    })[i] ?? line,
);

const pipeline = `name: quality
sources:
  sales:
    csv: data/sales/*.csv
    key: id
    columns: { id: bigint, customer: string, amount: double, placed_at: { type: timestamp, required: true } }
  customers: { postgres: shop, table: quality_customers, key: name }
checks:
  - { name: amounts are positive, rows: sales, where: amount > 0, otherwise: quarantine }
  - { name: customers are known, rows: sales, where: customer IN (SELECT name FROM customers), otherwise: quarantine }
  - { name: sales are of this year, rows: sales, where: year(placed_at) = 2026, otherwise: warn }
  - { name: sales are fresh, expect: 'sales.latest.placed_at > now - duration("876000h")', otherwise: fail }
  - { name: sales do not shrink, expect: sales.rows * 2 >= sales.last.rows, otherwise: fail }
branches:
  - { name: all }
steps:
  marts:
    spark: { sql: sql/quality.sql, executorMemory: 512m, driverMemory: 512m }
    outputs: [{ parquet: data/published/quality, views: [by_customer] }]
notify:
  - { email: team@example.org, on: [succeeded, failed] }
`;

const put = (lines: readonly string[]) => write('data/sales/a.csv', `${lines.join('\n')}\n`);

async function marts(): Promise<object[]> {
  const duck = await openDuck(join(folder, 'scratch'), [folder]);
  const path = join(folder, 'data/published/quality/current/by_customer/*.parquet');
  const rows = await duck.rows(`SELECT * FROM read_parquet('${path}') ORDER BY customer`);
  await duck.close();
  return rows;
}

const reasons = (doc: RunDocument): unknown => doc.sources.sales?.reasons;

/** The quarantine file that the output of a run or of `show` names. */
const quarantineIn = (told: string): string =>
  resolve(folder, /quarantine \S+ \d+ rows in ([^;\s]+)/.exec(told)?.[1] ?? '');

describe('rows in quarantine', () => {
  let clean: object[];
  let doc: RunDocument;

  test('are those that break a rule or a check; the others are published', async () => {
    await query(
      `CREATE TABLE quality_customers (name text PRIMARY KEY, city text);
       INSERT INTO quality_customers VALUES ('anna', 'Tver'), ('boris', 'Omsk'), ('vera, née B', 'Perm'), ('gleb', 'Tula')`,
    );
    await write(
      'sql/quality.sql',
      `CREATE OR REPLACE TEMP VIEW by_customer AS
       SELECT customer, city, count(*) AS n, sum(amount) AS total, max(placed_at) AS last FROM sales s JOIN customers c ON c.name = s.customer GROUP BY 1, 2`,
    );
    await write(file, pipeline);
    await put(good);
    expect((await sluiceJson('run', file)).doc.state).toBe('succeeded');
    clean = await marts();
    expect(clean).toHaveLength(4);

    await put(bad);
    const broken = await sluiceJson('run', file);
    ({ doc } = broken);
    expect(doc.state, broken.stderr).toBe('succeeded');
    expect(doc.sources.sales).toMatchObject({ rows: 6, valid: 2, quarantined: 4 });
    expect(reasons(doc)).toEqual({
      'too few columns': 1,
      'amount: not a double': 1,
      'check amounts are positive': 1,
      'check customers are known': 1,
    });
    expect(doc.steps[0]?.attempts[0]?.read[0]).toMatchObject({ read: 6, valid: 2, quarantined: 4 });
    expect(await marts()).toHaveLength(2);
  });

  test('are in a file, each with its line and reason, and reported by show', async () => {
    const shown = (await sluice('show', doc.run)).stdout;
    expect(shown).toMatch(/quarantine sales: 4 rows in \S+quarantine.sales\.csv/);
    const csv = quarantineIn(shown);
    const lines = (await readFile(csv, 'utf8')).trim().split('\n');
    expect(lines[0]).toBe('__sluice_where,__sluice_reason,id,customer,amount,placed_at,__sluice_original');
    expect(lines.slice(1).map((line) => line.split(',').slice(0, 2))).toEqual([
      ['id=4', 'check amounts are positive'],
      ['id=6', 'check customers are known'],
      ['a.csv:3', 'too few columns'],
      ['a.csv:4', 'amount: not a double'],
    ]);
  });

  test('cannot be replayed before one is repaired, or from another file', async () => {
    const nothing = await sluice('replay', doc.run);
    expect(nothing.exitCode).toBe(2);
    expect(nothing.stderr).toContain('no repaired rows found');
    await write(
      'other.csv',
      '__sluice_where,__sluice_reason,id,customer,amount,placed_at,__sluice_original\na.csv:99,x,1,anna,1,2026-11-01,y\n',
    );
    const other = await sluice('replay', doc.run, '--repaired', join(folder, 'other.csv'));
    expect(other.exitCode).toBe(2);
    expect(other.stderr).toContain('row 1 does not match any quarantined row');
  });

  test('that are repaired and replayed give the same marts as valid data', async () => {
    const shown = (await sluice('show', doc.run)).stdout;
    const csv = quarantineIn(shown);
    const repaired = (await readFile(csv, 'utf8'))
      .replace(/^(a\.csv:3,too few columns),,,,,/m, '$1,2,boris,20,2026-11-02 10:00:00,')
      .replace(',thirty,', ',30,')
      .replace(/^(id=4,[^,]*,4,anna),-40(?:\.0)?,/m, '$1,40,')
      .replace(/^(id=6,[^,]*,6),nobody,/m, '$1,anna,');
    await writeFile(csv, repaired);
    const replayed = await sluiceJson('replay', doc.run);
    expect(replayed.exitCode, replayed.stderr).toBe(0);
    expect(replayed.stderr).toContain('sales: 4 repaired rows');
    expect(replayed.doc.sources.sales).toMatchObject({ rows: 6, valid: 6, quarantined: 0 });
    expect(await marts()).toEqual(clean);
    // The file is still broken; later runs apply the repairs.
    const next = await sluiceJson('run', file, '--full-refresh');
    expect(next.doc.sources.sales).toMatchObject({ rows: 6, valid: 6, quarantined: 0 });
    expect(await marts()).toEqual(clean);
  });

  test('that are repaired badly stay in quarantine, with the new reason', async () => {
    await put([...bad, '7,anna,0,2026-11-07 10:00:00']);
    const run = await sluiceJson('run', file);
    expect(run.doc.sources.sales).toMatchObject({ rows: 7, valid: 6, quarantined: 1 });
    const csv = quarantineIn(run.stderr);
    await writeFile(csv, (await readFile(csv, 'utf8')).replace(/,anna,0(?:\.0)?,/, ',anna,seven,'));
    const replayed = await sluiceJson('replay', run.doc.run);
    expect(reasons(replayed.doc)).toEqual({ 'amount: not a double': 1 });
  });
});

describe('checks of rows', () => {
  test('that warn are reported with an example, those that fail end the run before Spark', async () => {
    await put([...good, '8,anna,1,2019-01-01 00:00:00']);
    const warned = await sluice('plan', file);
    expect(warned.stdout).toMatch(/warn sales are of this year: 1 of 7 rows of sales failed/);
    expect(warned.stdout).toMatch(/id=8: \{"id":8,"customer":"anna"/);
    await put(good.slice(0, 3));
    const failed = await sluiceJson('run', file);
    expect(failed.exitCode).toBe(1);
    expect(failed.doc.reason).toMatch(/check "sales do not shrink" failed: sales.rows = 2, sales.last.rows = 7/);
    expect(failed.doc.steps.flatMap((step) => step.attempts)).toEqual([]);
  });

  test('with invalid SQL are refused, with the name of the check and the error', async () => {
    await put(good);
    await write(
      'conf/pipelines/wrong.yaml',
      pipeline.replace('name: quality', 'name: wrong').replace('amount > 0', 'amonut > 0'),
    );
    const { exitCode, doc } = await sluiceJson('run', 'conf/pipelines/wrong.yaml');
    expect(exitCode).toBe(2);
    expect(doc.reason).toMatch(/check "amounts are positive": .*amonut.*correct its SQL: amonut > 0/);
  });
});

describe('a saved plan', () => {
  test('is applied exactly, and refused when the inputs or the pipeline have changed', async () => {
    await put(good);
    const plan = join(folder, 'plan.json');
    const planned = await sluice('plan', file, '--out', plan);
    expect(planned.stdout).toContain(`Apply it with: sluice run ${file} --plan ${plan}`);
    const saved = JSON.parse(await readFile(plan, 'utf8'));
    const run = await sluiceJson('run', file, '--plan', plan);
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.doc).toMatchObject({ state: 'succeeded', branch: 'all' });
    expect(run.doc.steps[0]?.attempts[0]?.settings).toEqual(saved.plan.steps.marts.settings);

    const runs = (await sluiceJson('runs')).doc;
    await query(`UPDATE quality_customers SET city = 'Orel' WHERE name = 'gleb'`);
    await write('data/sales/a.csv', `${await read('data/sales/a.csv')}9,anna,1,2026-11-09 10:00:00\n`);
    const refused = await sluice('run', file, '--plan', plan);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toMatch(
      /inputs have changed since the plan was made\n {2}sales: 7 rows are new.*\n {2}customers: 1 rows are new/,
    );
    await write(file, `${pipeline}# a comment is no change\n`.replace('name: all', 'name: everything'));
    const other = await sluice('run', file, '--plan', plan);
    expect(other.exitCode).toBe(2);
    expect(other.stderr).toContain('has changed since the plan was made');
    expect((await sluiceJson('runs')).doc).toEqual(runs);
    await write('edited.json', JSON.stringify({ ...saved, at: saved.at + 1 }));
    const edited = await sluice('run', file, '--plan', join(folder, 'edited.json'));
    expect(edited.exitCode).toBe(2);
    expect(edited.stderr).toContain('was changed since it was saved');
    const none = await sluice('run', file, '--plan', join(folder, file));
    expect(none.exitCode).toBe(2);
  });
});
