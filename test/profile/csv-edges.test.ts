import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, describe, expect, test } from 'vitest';
import { openDuck } from '../../controller/connect/duckdb.ts';
import { identifier } from '../../controller/connect/sql.ts';
import type { Source } from '../../controller/pipeline/schema.ts';
import { csvProbe } from '../../controller/profile/csv.ts';
import { checkExpression } from '../../controller/profile/expression.ts';
import { parquet } from '../../controller/profile/keep.ts';
import type { Profile } from '../../controller/profile/port.ts';

/** Files at the edges of CSV: no row of one is lost without a word. */

const root = mkdtempSync(join(tmpdir(), 'sluice-edges-'));
afterAll(() => rmSync(root, { recursive: true }));
let next = 0;

async function profiled(
  files: Readonly<Record<string, string | Buffer>>,
  columns: readonly string[],
): Promise<Profile> {
  next += 1;
  const folder = join(root, String(next));
  await mkdir(folder);
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const declared = Object.fromEntries(columns.map((name) => [name, name === columns[0] ? 'bigint' : 'string']));
  const source = { csv: `${next}/*.csv`, key: columns[0], columns: declared } as unknown as Source;
  const keeping = { folder: join(folder, 'kept'), upToBytes: 1e9 };
  await mkdir(keeping.folder);
  return csvProbe({ root, scratch: join(root, 'scratch'), keeping }).profile('things', source);
}

async function kept(profile: Profile): Promise<Record<string, unknown>[]> {
  const duck = await openDuck(join(root, 'scratch'), [root]);
  try {
    return await duck.rows(`SELECT * FROM ${parquet(profile.pin.kept?.paths ?? [])} ORDER BY ALL`);
  } finally {
    await duck.close();
  }
}

describe('CSV files', { timeout: 30_000 }, () => {
  test('whose names hold what globs are made of are each read once', async () => {
    const names = ['d[1].csv', 'd1.csv', '*.csv', '?.csv', "it's {a,b}.csv", '[!x].csv', 'ä "q".csv', ' .csv'];
    const files = Object.fromEntries(names.map((name, i) => [name, `id,note\n${i},${i}\n${i},bad,${i}\n`]));
    const profile = await profiled(files, ['id', 'note']);
    expect(profile.measures).toMatchObject({ rows: 2 * names.length, valid: names.length, duplicates: 0 });
    const rows = await kept(profile);
    expect(rows.map((row) => row.note).filter((note) => note !== null)).toEqual(names.map((_, i) => String(i)));
    expect(rows.map((row) => row.__sluice_where).filter((where) => where !== null)).toHaveLength(names.length);
    for (const name of names) expect(rows.map((row) => row.__sluice_where)).toContain(`${name}:3`);
  });

  test('with columns that are called like what the engine calls its own keep every row and value', async () => {
    const columns = ['rowid', 'filename', 'reason', 'place', 'text', 'byte', 'c0', 'rows', 'n0', 'select'];
    const line = (id: number): string => columns.map((name) => (name === 'rowid' ? id : `${name} ${id}`)).join(',');
    const profile = await profiled(
      { 'a.csv': `${columns.join(',')}\n${line(7)}\n${line(7)}\n${line(8)}\nx\n` },
      columns,
    );
    expect(profile.measures).toMatchObject({ rows: 4, valid: 3, duplicates: 1 });
    const valid = (await kept(profile)).filter((row) => row.__sluice_reason === null);
    expect(valid.map((row) => columns.map((name) => row[name]).join(','))).toEqual([line(7), line(7), line(8)]);
  });

  test('may have a thousand columns with long names', async () => {
    const columns = Array.from({ length: 1000 }, (_, i) => `${'a_rather_long_name_of_a_column_'.repeat(4)}${i}`);
    const values = columns.map((_, i) => i).join(',');
    const profile = await profiled({ 'a.csv': `${columns.join(',')}\n${values}\nx${values}\n` }, columns);
    expect(profile.measures).toMatchObject({ rows: 2, valid: 1, invalid: 1 });
    expect(profile.examples[0]?.text).toBe(`x${values}`.slice(0, 200));
  });

  test('that are not UTF-8 have invalid rows where they are not', async () => {
    const text = Buffer.concat([Buffer.from('id,note\n1,x\n2,'), Buffer.from([0xe9, 0xff]), Buffer.from('\n3,y\n')]);
    const { measures, examples } = await profiled({ 'a.csv': text }, ['id', 'note']);
    expect(measures).toMatchObject({ rows: 3, valid: 2, invalidByReason: { unreadable: 1 } });
    expect(examples[0]?.where).toBe('a.csv:3');
  });

  test('whose lines end by carriage returns alone are counted and placed', async () => {
    const { measures, examples } = await profiled({ 'a.csv': 'id,note\r1,x\r2\r"3","y, ""z"""\r' }, ['id', 'note']);
    expect(measures).toMatchObject({ rows: 3, valid: 2, invalidByReason: { 'too few columns': 1 } });
    expect(examples[0]?.where).toBe('a.csv:3');
  });

  const many = Array.from({ length: 300_000 }, (_, i) => `${i},row ${i}`).join('\n');
  test.each([
    [
      'a quote that is never closed',
      `id,note\n1,x\n2,"open\n${many}\n`,
      /a\.csv:3: a quote is opened here and never closed/,
    ],
    [
      'a stray quote that another one far below seems to close',
      `id,note\n1,x\n2,"open\n${many}\n3,"y"\n`,
      /a\.csv:3: a quote is opened here or below, and other text follows the one that closes it on line 300004/,
    ],
    [
      'a record of 40 MB',
      `id,note\n1,x\n2,${'y'.repeat(40 << 20)}\n3,z\n`,
      /a\.csv:3: a record of more than 16 MiB begins here/,
    ],
    [
      'a quoted record of 40 MB',
      `id,note\n1,x\n2,"${'y\n'.repeat(20 << 20)}"\n3,z\n`,
      /a\.csv:3: a quote is opened here and not closed within 16 MiB/,
    ],
  ])('with %s are refused by name and line', async (_what, text, message) => {
    await expect(profiled({ 'a.csv': text, 'b.csv': 'id,note\n1,x\n' }, ['id', 'note'])).rejects.toMatchObject({
      kind: 'rejected',
      message: expect.stringMatching(message),
    });
  });

  test('that are links out of the project are refused, unless conf/ allows where they lead', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'sluice-outside-'));
    try {
      await writeFile(join(outside, 'x.csv'), 'id,note\n1,x\n');
      await mkdir(join(root, 'links'));
      await symlink(join(outside, 'x.csv'), join(root, 'links', 'x.csv'));
      const options = { root, scratch: join(root, 'scratch') };
      const source = { csv: 'links/*.csv', key: 'id', columns: { id: 'bigint', note: 'string' } } as unknown as Source;
      await expect(csvProbe(options).profile('things', source)).rejects.toThrow(/a link that leads out of the project/);
      const allowed = csvProbe({ ...options, allowed: [outside] });
      expect((await allowed.profile('things', source)).measures.rows).toBe(1);
    } finally {
      rmSync(outside, { recursive: true });
    }
  });

  test('that are pipes, or links that lead nowhere, are refused rather than waited for', async () => {
    for (const [folder, make] of [
      ['pipe', (path: string) => execa('mkfifo', [path])],
      ['nowhere', (path: string) => symlink(join(root, 'nowhere-at-all.csv'), path)],
    ] as const) {
      await mkdir(join(root, folder));
      await make(join(root, folder, 'x.csv'));
      const source = { csv: `${folder}/*.csv`, key: 'id', columns: { id: 'bigint' } } as unknown as Source;
      const probe = csvProbe({ root, scratch: join(root, 'scratch') });
      await expect(probe.profile('things', source)).rejects.toMatchObject({
        kind: 'rejected',
        message: expect.stringMatching(/x\.csv is (no file|a link that leads nowhere)|no file matches/),
      });
    }
  });

  test('with values of several lines, doubled quotes and empty lines are read whole', async () => {
    const text = 'id,note\r\n1,"two\r\nlines, ""quoted"""\r\n\r\n2,"\n\n"\r\n3,""\r\n';
    const profile = await profiled({ 'a.csv': text }, ['id', 'note']);
    expect(profile.measures).toMatchObject({ rows: 3, valid: 3 });
    expect(profile.pin).toMatchObject({ records: 3 });
    expect((await kept(profile)).map((row) => row.note)).toEqual(['two\r\nlines, "quoted"', '\n\n', null]);
  });
});

describe('the SQL of a source or a check', () => {
  test('reaches no file but those it is given, and changes no setting', async () => {
    await writeFile(join(root, 'secret.csv'), 'a\n1\n');
    await mkdir(join(root, 'inside'));
    await writeFile(join(root, 'inside', 'rows.csv'), 'a\n1\n');
    const duck = await openDuck(join(root, 'scratch'), [join(root, 'inside')]);
    try {
      expect(await duck.rows(`SELECT a FROM read_csv('${join(root, 'inside', 'rows.csv')}')`)).toEqual([{ a: 1 }]);
      for (const sql of [
        `SELECT * FROM read_text('/etc/hostname')`,
        `SELECT * FROM read_csv('${join(root, 'secret.csv')}')`,
        `SELECT * FROM read_csv('${join(root, 'inside', '..', 'secret.csv')}')`,
        `COPY (SELECT 1) TO '${join(root, 'out.csv')}'`,
        `ATTACH '${join(root, 'other.db')}'`,
        'INSTALL httpfs',
        'SET enable_external_access = true',
        `SET allowed_directories = ['/']`,
        'RESET lock_configuration',
      ])
        await expect(duck.run(sql), sql).rejects.toThrow(/disabled by configuration|configuration has been locked/);
    } finally {
      await duck.close();
    }
  });

  test('reaches a folder that is made later, below a link', async () => {
    await mkdir(join(root, 'real'));
    await symlink(join(root, 'real'), join(root, 'linked'));
    const folder = join(root, 'linked', 'runs', 'r1');
    const duck = await openDuck(join(root, 'scratch'), [folder]);
    try {
      await mkdir(folder, { recursive: true });
      await duck.run(`COPY (SELECT 1 AS a) TO '${join(folder, 'a.parquet')}' (FORMAT parquet)`);
      expect(await duck.rows(`SELECT a FROM ${parquet([join(folder, 'a.parquet')])}`)).toEqual([{ a: 1 }]);
    } finally {
      await duck.close();
    }
  });

  test('is one SELECT where it comes from a pipeline file', async () => {
    const duck = await openDuck(join(root, 'scratch'), [root]);
    try {
      expect(await duck.select('WITH a AS (SELECT 1 AS n) SELECT n FROM a -- one')).toEqual([{ n: 1 }]);
      for (const sql of [
        `COPY (SELECT 1) TO '${join(root, 'x')}'`,
        'SELECT 1; SELECT 2',
        'CREATE TABLE x AS SELECT 1',
        '',
      ])
        await expect(duck.select(sql), sql).rejects.toThrow(/must be one SELECT|multiple statements/);
      const check = (where: string) => checkExpression(duck, { name: 'c', rows: 'x', where, otherwise: 'warn' });
      for (const where of [
        'a > 0',
        'a IN (SELECT b FROM x)',
        "a = ')' -- so",
        'EXISTS (SELECT 1 FROM y WHERE y.a = x.a)',
      ])
        await expect(check(where), where).resolves.toBeUndefined();
      for (const where of ['1) FROM x; DROP TABLE x; --', '1), (2', '1) FROM x --', 'a >', '1); SELECT (2'])
        await expect(check(where), where).rejects.toThrow(/check "c": /);
    } finally {
      await duck.close();
    }
  });

  test('takes any name for a name', async () => {
    const duck = await openDuck(join(root, 'scratch'), []);
    const evil = `a"=1)FROM(SELECT 1 a);COPY(SELECT 1)TO 'x';--`;
    await duck.run(`CREATE TABLE t AS SELECT 1 AS ${identifier(evil)}`);
    expect(await duck.columns('t')).toEqual([{ name: evil, type: 'INTEGER' }]);
    await duck.close();
  });
});
