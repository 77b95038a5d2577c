import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  fileLiteral,
  identifier,
  jsonPointer,
  literal,
  sparkIdentifier,
  sparkLiteral,
  tableName,
} from '../../controller/clients/sql.ts';

test('names and texts are quoted as each engine reads them', () => {
  expect(identifier('a"b')).toBe('"a""b"');
  expect(tableName('s.t"x')).toBe('"s"."t""x"');
  expect(literal("it's \\")).toBe("'it''s \\'");
  expect(sparkIdentifier('a`b')).toBe('`a``b`');
  expect(sparkLiteral("it's \\")).toBe("'it\\'s \\\\'");
  expect(jsonPointer('a/b~c\'"[0]')).toBe(`'/a~1b~0c''"[0]'`);
  expect(fileLiteral("d[1]*?'.csv")).toBe("'d[[]1][*][?]''.csv'");
});

describe('no query of the program puts its own quotes around a value', () => {
  const root = resolve(import.meta.dirname, '../..');
  const filesBelow = (folder: string, ending: string): string[] =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith(ending))
      .map((name) => join(folder, name));
  const sql =
    /\b(SELECT|FROM|WHERE|CREATE|INSERT|UPDATE|DELETE|DROP|ALTER|COPY|JOIN|EXCLUDE|DESCRIBE|IS NULL|CAST|AS)\b/;
  const offending = (files: readonly string[], quoted: RegExp): string[] =>
    files.flatMap((file) =>
      readFileSync(join(root, file), 'utf8')
        .split('\n')
        .flatMap((line, i) => (sql.test(line) && quoted.test(line) ? [`${file}:${i + 1}: ${line.trim()}`] : [])),
    );

  test('in TypeScript', () => {
    const files = filesBelow('controller', '.ts').filter((file) => !file.endsWith('connect/sql.ts'));
    expect(files.length).toBeGreaterThan(100);
    // A quote, double, single or a backtick, right before a template placeholder.
    const quoted = /(["']|\\`)\$\{/;
    expect(offending(files, quoted)).toEqual([]);
    expect(quoted.test('SELECT "${name}" FROM t')).toBe(true);
  });

  test('no reader of DuckDB makes columns of folder names', () => {
    const readers = filesBelow('controller', '.ts').flatMap((file) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/read_(?:csv|parquet)\(.*/g)].map(
        ([line]) => `${file}: ${line}`,
      ),
    );
    expect(readers.length).toBeGreaterThan(5);
    expect(readers.filter((line) => !line.includes('asItIs'))).toEqual([]);
  });

  test('in Java', () => {
    const files = filesBelow('spark-jobs/src/main/java', '.java').filter((file) => !file.endsWith('Names.java'));
    expect(files.length).toBeGreaterThan(10);
    expect(offending(files, /[`'\\]"? \+ \w/)).toEqual([]);
  });
});
