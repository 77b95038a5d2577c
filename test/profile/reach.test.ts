import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openDuck } from '../../controller/clients/duckdb.ts';
import { identifier } from '../../controller/clients/sql.ts';
import { checkExpression } from '../../controller/snapshot/expression.ts';
import { parquet } from '../../controller/snapshot/snapshot.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-reach-'));
afterAll(() => rmSync(root, { recursive: true }));

describe('the SQL of a source or a check', () => {
  test('reaches only the given files, and cannot change settings', async () => {
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

  test('reaches a folder that is created later, below a link', async () => {
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

  test('must be one SELECT when it comes from a pipeline file', async () => {
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

  test('treats any name only as a name', async () => {
    const duck = await openDuck(join(root, 'scratch'), []);
    const evil = `a"=1)FROM(SELECT 1 a);COPY(SELECT 1)TO 'x';--`;
    await duck.run(`CREATE TABLE t AS SELECT 1 AS ${identifier(evil)}`);
    expect(await duck.columns('t')).toEqual([{ name: evil, type: 'INTEGER' }]);
    await duck.close();
  });
});
