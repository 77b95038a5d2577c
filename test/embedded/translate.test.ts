import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Duck, openDuck } from '../../controller/clients/duckdb.ts';
import { inputViews, translate } from '../../controller/embedded/sql/translate.ts';
import { prelude } from '../../controller/embedded/sql/typed.ts';
import { nameOf, typeNamed } from '../../controller/embedded/sql/types.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-translate-'));
let duck: Duck;
beforeAll(async () => {
  duck = await openDuck(root, []);
  await duck.run(prelude);
  await duck.run(
    `CREATE TABLE t AS SELECT i::INTEGER AS i, (i * 10)::BIGINT AS b, (i / 4.0)::DOUBLE AS d, (i + 0.255)::DECIMAL(10,3) AS m,
       CASE WHEN i = 2 THEN NULL ELSE 'text ' || i END AS s, DATE '2024-02-28' + i::INTEGER AS day,
       TIMESTAMP '2024-02-28 12:00:00' + to_hours(i) AS at FROM range(1, 4) r(i)`,
  );
});
afterAll(async () => {
  await duck.close();
  rmSync(root, { recursive: true });
});

const columns = (of: Record<string, string>) =>
  Object.entries(of).map(([name, type]) => ({
    name,
    type: typeNamed(type) as NonNullable<ReturnType<typeof typeNamed>>,
  }));
const inputs = inputViews([
  {
    name: 't',
    columns: columns({
      i: 'int',
      b: 'bigint',
      d: 'double',
      m: 'decimal(10,3)',
      s: 'string',
      day: 'date',
      at: 'timestamp',
    }),
  },
]);

/** The type that Spark gives an expression over `t`, and its values in the order of `i`. */
async function computed(expression: string): Promise<{ type: string; values: unknown[] }> {
  const [view] = await translate(duck, `CREATE TEMP VIEW v AS SELECT i, ${expression} AS x FROM t`, inputs);
  await duck.run(view?.sql ?? '');
  const [, found] = await duck.columns('v');
  const declared = view?.columns[1]?.type ?? { is: 'null' as const };
  // DuckDB's own type is that of Spark, so what is written is, too.
  expect(nameOf(typeNamed(found?.type ?? '') ?? { is: 'null' })).toBe(nameOf(declared));
  const rows = await duck.rows('SELECT CAST(x AS VARCHAR) AS x FROM v ORDER BY i');
  return { type: nameOf(declared), values: rows.map(({ x }) => x) };
}

describe('an expression has the type and the values that Spark gives it', () => {
  test.each([
    ['i / 2', 'double', ['0.5', '1.0', '1.5']],
    ['i DIV 2', 'bigint', ['0', '1', '1']],
    ['-i % 2', 'int', ['-1', '0', '-1']],
    ['i + b', 'bigint', ['11', '22', '33']],
    ['m * m', 'decimal(21,6)', ['1.575025', '5.085025', '10.595025']],
    ['m + 1', 'decimal(11,3)', ['2.255', '3.255', '4.255']],
    ['m / 3', 'decimal(13,6)', ['0.418333', '0.751667', '1.085000']],
    ['round(m, 2)', 'decimal(10,2)', ['1.26', '2.26', '3.26']],
    ['CAST(m AS int)', 'int', ['1', '2', '3']],
    ['CAST(d * 3 AS int)', 'int', ['0', '1', '2']],
    ['0.01', 'decimal(2,2)', ['.01', '.01', '.01']],
    ['CAST(-0.01 AS string)', 'string', ['-0.01', '-0.01', '-0.01']],
    ['floor(-m)', 'decimal(8,0)', ['-2', '-3', '-4']],
    ["concat(s, '!')", 'string', ['text 1!', null, 'text 3!']],
    ["coalesce(s, 'it\\'s')", 'string', ['text 1', "it's", 'text 3']],
    ['substring(s, 0, 3)', 'string', ['tex', null, 'tex']],
    ['length("日本")', 'int', ['2', '2', '2']],
    ["'a\\n' || `s`", 'string', ['a\ntext 1', null, 'a\ntext 3']],
    ['s <=> NULL', 'boolean', ['false', 'true', 'false']],
    ['row_number() OVER (ORDER BY s)', 'int', ['2', '1', '3']],
    ['row_number() OVER (ORDER BY s DESC)', 'int', ['2', '3', '1']],
    ['sum(i) OVER (ORDER BY i)', 'bigint', ['1', '3', '6']],
    ['dayofweek(day)', 'int', ['5', '6', '7']],
    ["trunc(day, 'MM')", 'date', ['2024-02-01', '2024-03-01', '2024-03-01']],
    ["date_trunc('month', at) = TIMESTAMP '2020-01-01 00:00:01'", 'boolean', ['false', 'false', 'false']],
    ['unix_seconds(at)', 'bigint', ['1709125200', '1709128800', '1709132400']],
    ['CASE WHEN i = 1 THEN 1.5 ELSE 2 END', 'decimal(11,1)', ['1.5', '2.0', '2.0']],
    ['9007199254740993', 'bigint', ['9007199254740993', '9007199254740993', '9007199254740993']],
    ["''", 'string', ['', '', '']],
    ['CAST(m AS decimal(18))', 'decimal(18,0)', ['1', '2', '3']],
    ['-2147483648', 'int', ['-2147483648', '-2147483648', '-2147483648']],
    ['m * CAST(1 AS int)', 'decimal(21,3)', ['1.255', '2.255', '3.255']],
    ["trim('\u00a0 a \u3000')", 'string', ['\u00a0 a \u3000', '\u00a0 a \u3000', '\u00a0 a \u3000']],
    ["unix_timestamp(TIMESTAMP '1969-12-31 23:59:58.5')", 'bigint', ['-1', '-1', '-1']],
    ["coalesce(i, '0')", 'bigint', ['1', '2', '3']],
    ['"\\U0001F600"', 'string', ['😀', '😀', '😀']],
    ['round(CAST(-0.4 AS double))', 'double', ['0.0', '0.0', '0.0']],
  ])('%s', async (expression, type, values) => {
    expect(await computed(expression)).toEqual({ type, values });
  });

  test('a comparison with an unknown time is unknown', async () => {
    const { values } = await computed("date_trunc('month', if(i = 2, NULL, at)) = TIMESTAMP '2020-01-01 00:00:01'");
    expect(values).toEqual(['false', null, 'false']);
  });
});

describe('what cannot be translated is refused with its line', () => {
  test.each([
    ['SELECT i,\n  regexp_replace(s, "a", "b") AS x FROM t', /^line 2: view v: regexp_replace: is not one of/],
    ['SELECT i + s AS x FROM t', /line 1: view v: \+: int \+ string; write a CAST/],
    ['SELECT sum(d) AS x FROM t', /sum: of double, which depends on the order/],
    ['SELECT 1L AS x FROM t', /line 1: the number 1L has a suffix/],
    ["SELECT r'a\\b' AS x FROM t", /r'…' is a literal/],
    ['SELECT i FROM other', /there is no view other/],
    ['SELECT nope FROM t', /there is no column nope/],
    ['SELECT i FROM t GROUP BY ALL', /GROUP BY ALL/],
    ['SELECT DISTINCT ON (i) i FROM t', /DISTINCT ON/],
    ['SELECT i FROM t QUALIFY row_number() OVER (ORDER BY i) = 1', /line 1: view v: syntax error/],
    ['SELECT i FROM t TABLESAMPLE (10 PERCENT)', /line 1/],
    ['SELECT * FROM range(10)', /table function in FROM/],
    ["SELECT * FROM read_csv('/etc/passwd')", /table function in FROM/],
    ['SELECT m * CAST(m AS decimal(38, 2)) AS x FROM t', /needs 49 digits/],
    ['SELECT i AS a, i AS A FROM t', /two columns called A/],
    ['SELECT NULL AS x FROM t', /column x is NULL without a type/],
    ['SELECT i FROM t LIMIT i', /a limit that is not a constant/],
    ['SELECT i[0] AS x FROM t', /"\["/],
    ['SELECT i # 2 AS x FROM t', /"#" is not an operator/],
    ['SELECT CAST(i AS decimal) AS x FROM t', /a decimal without its number of digits/],
    [
      'SELECT i FROM t CROSS JOIN (t a FULL JOIN t b ON a.i = b.i)',
      /a RIGHT or FULL join beside a comma or CROSS JOIN/,
    ],
    ['SELECT i AS x FROM t WHERE x > 0', /there is no column x/],
    ['SELECT -i AS i, b FROM t ORDER BY abs(b) - i LIMIT 1', /ORDER BY an expression of i/],
    ['SELECT i IN (SELECT b FROM t) AS x FROM t', /IN of a subquery outside of WHERE/],
    ["SELECT m = '1.2554' AS x FROM t", /a text beside a decimal/],
    ["SELECT trunc(day, 'DD') AS x FROM t", /there is no unit "DD"/],
    ['SELECT i <=> NULL = (i > 1) AS x FROM t', /a comparison within a comparison/],
    [
      'SELECT sum(i) OVER (ORDER BY i ROWS BETWEEN i PRECEDING AND CURRENT ROW) AS x FROM t',
      /a frame of rows that is no constant/,
    ],
    ['SELECT 1 AS x FROM t GROUP BY GROUPING SETS (())', /GROUPING SETS/],
    ["SELECT E'a' AS x FROM t", /E'…' is a literal/],
    ['SELECT i // 2 AS x FROM t', /\/\/ is no operator of Spark/],
    ["SELECT i FROM 't'", /a text in the place of a view/],
    ["SELECT '\\0' AS x FROM t", /the character 0/],
  ])('%s', async (query, says) => {
    await expect(translate(duck, `CREATE TEMP VIEW v AS ${query}`, inputs)).rejects.toThrow(says);
  });

  test.each([
    ['DROP TABLE t', /line 1: only CREATE TEMP VIEW … AS is run by the embedded engine, not DROP t/],
    ['\n\nSET x = 1', /line 3/],
    ['CREATE TABLE x AS SELECT 1 AS y', /only CREATE TEMP VIEW/],
    ["COPY t TO '/tmp/x'", /only CREATE TEMP VIEW/],
    ["CREATE TEMP VIEW o (a COMMENT 'first') AS SELECT 1 AS x", /a column of the view with more than a name/],
    [
      'CREATE TEMP VIEW a AS SELECT 1 AS x; CREATE OR REPLACE TEMP VIEW a AS SELECT 2 AS x',
      /there is a view of this name already/,
    ],
    ['/* a /* nested', /a comment without an end/],
  ])('%s', async (sql, says) => {
    await expect(translate(duck, sql, inputs)).rejects.toThrow(says);
  });
});

test('comments, nested ones and a semicolon in a text do not split a statement', async () => {
  const views = await translate(
    duck,
    "-- one; two\nCREATE TEMP VIEW a AS SELECT ';' AS x /* ; /* nested; */ */ FROM t; ;\nCREATE OR REPLACE TEMPORARY VIEW b (y) AS SELECT x FROM a;",
    inputs,
  );
  expect(views.map(({ name, columns: of }) => [name, of[0]?.name])).toEqual([
    ['a', 'x'],
    ['b', 'y'],
  ]);
});

test.each([
  ['SELECT * FROM (SELECT s, i FROM t) a JOIN (SELECT b, i FROM t) b USING (i)', ['i', 's', 'b']],
  ['SELECT a.*, b.b FROM (SELECT s, i FROM t) a JOIN (SELECT b, i FROM t) b USING (i)', ['i', 's', 'b']],
  ['SELECT * FROM (SELECT s, i FROM t) a LEFT SEMI JOIN t b ON a.i = b.i', ['s', 'i']],
  [
    'WITH one AS (SELECT i AS n FROM t), two AS (SELECT n + 1 AS m FROM one) SELECT * FROM one CROSS JOIN two',
    ['n', 'm'],
  ],
  ['SELECT i AS `Größe`, i + 1 AS next, next * 2 AS `twice "it"` FROM t', ['Größe', 'next', 'twice "it"']],
])('%s has its columns in the order and with the names that Spark gives them', async (query, names) => {
  const [view] = await translate(duck, `CREATE OR REPLACE TEMP VIEW v AS ${query}`, inputs);
  await duck.run(view?.sql ?? '');
  expect(view?.columns.map(({ name }) => name)).toEqual(names);
  expect((await duck.columns('v')).map(({ name }) => name)).toEqual(names);
});
