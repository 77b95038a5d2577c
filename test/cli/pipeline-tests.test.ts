import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { test as sluiceTest } from '../../controller/cli/commands/test.ts';
import type { Output } from '../../controller/cli/view/output.ts';
import { onTerminal } from '../../controller/cli/view/style.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-tests-'));
const file = join(root, 'orders.yaml');
beforeAll(() => {
  mkdirSync(join(root, 'conf'));
  cpSync(join(import.meta.dirname, '../../conf/stack.yaml'), join(root, 'conf/stack.yaml'));
  writeFileSync(join(root, 'conf/connections.yaml'), 'store: { sqlite: store.db }\n');
  writeFileSync(
    join(root, 'work.sql'),
    'CREATE TEMP VIEW totals AS SELECT customer, sum(amount) AS total FROM orders GROUP BY customer',
  );
  writeFileSync(
    file,
    `name: orders
sources: { orders: { csv: "*.csv", key: id, columns: { id: int, customer: string, amount: int } } }
checks: [{ name: amounts are positive, rows: orders, where: amount > 0, otherwise: quarantine }]
branches: [{ name: none, if: orders.valid == 0 }, { name: some }]
steps: { work: { if: branch == "some", spark: { sql: work.sql }, outputs: [{ parquet: out, views: [totals] }] } }
`,
  );
});
afterAll(() => rmSync(root, { recursive: true }));

async function run(tests: string, options: object = {}) {
  writeFileSync(join(root, 'orders.test.yaml'), tests);
  const lines: string[] = [];
  const output = {
    json: false,
    isTerminal: false,
    line: (text = '') => lines.push(text),
    live: () => undefined,
    document: () => undefined,
  } as unknown as Output;
  const code = await sluiceTest(output, file, { engine: 'embedded', format: 'spec', ...options });
  return { code, text: onTerminal(lines.join('\n')) };
}

const good = `# A comment stays.
given: { orders: [{ id: 1, customer: Anna, amount: 10 }, { id: 2, customer: Anna, amount: 5 }, { id: 3, customer: Boris, amount: -1 }] }
tests:
  - name: amounts are added up
    expect:
      branch: some
      checks: { amounts are positive: quarantine }
      invalid: { orders: 1 }
      views: { totals: [{ customer: Anna, total: 15 }] }
  - name: nothing given
    given: { orders: [] }
    expect: { branch: none }
`;

test('tests that pass', async () => {
  const { code, text } = await run(good);
  expect(text).toMatch(/✓ amounts are added up \([\d.]+ s\)\n {2}✓ nothing given/);
  expect([code, text]).toEqual([0, expect.stringContaining('2 passed, 0 failed')]);
});

test('a wrong expectation gives a difference of rows, of the branch and of checks', async () => {
  const wrong = good
    .replace('total: 15', 'total: 16')
    .replace('branch: some', 'branch: none')
    .replace('positive: quarantine', 'positive: passed');
  const { code, text } = await run(wrong);
  expect(code).toBe(1);
  expect(text).toContain('branch: expected none, but it is some');
  expect(text).toContain('check "amounts are positive": expected passed, but it is quarantine');
  expect(text).toMatch(
    /totals differs; - is expected, \+ is what it has\n +customer +total\n +- +Anna +16\n +\+ +Anna +15/,
  );
});

test('--update writes what was found, and keeps comments', async () => {
  await run(good.replace('total: 15', 'total: 16'), { update: true });
  const text = readFileSync(join(root, 'orders.test.yaml'), 'utf8');
  expect(text).toContain('# A comment stays.');
  expect(text).toContain('{ customer: Anna, total: 15 }');
  expect((await run(text)).code).toBe(0);
});

test('--format junit is XML with the difference, escaped', async () => {
  const { text } = await run(good.replace('total: 15', 'total: 16').replace('added up', 'added up <&">'), {
    format: 'junit',
  });
  expect(text).toMatch(
    /^<\?xml version="1.0" encoding="UTF-8"\?>\n<testsuites>\n<testsuite name="orders" tests="2" failures="1"/,
  );
  expect(text).toContain('name="amounts are added up &lt;&amp;&quot;&gt;"');
});

test.each([
  ['a source that is none', 'given: { nope: [] }\ntests: [{ name: x, expect: {} }]', /the pipeline has no source nope/],
  [
    'a column that is none',
    'tests: [{ name: x, given: { orders: [{ nope: 1 }] }, expect: {} }]',
    /row 1 of orders has a column nope/,
  ],
  ['a view that is none', 'tests: [{ name: x, expect: { views: { nope: [] } } }]', /no Spark step has the view nope/],
  ['a check that is none', 'tests: [{ name: x, expect: { checks: { nope: passed } } }]', /no check "nope"/],
  ['no test', 'tests: []', /tests/],
  ['an unknown key', 'tests: [{ name: x, expects: {} }]', /orders.test.yaml:1/],
])('%s is refused with the place', async (_what, tests, says) => {
  await expect(run(tests)).rejects.toThrow(says);
});

test('a filter that no test has in its name is refused', async () => {
  await expect(run(good, { filter: 'xyz' })).rejects.toThrow(/no test has "xyz" in its name/);
});

test('a failure of the SQL is an outcome, and can be expected', async () => {
  writeFileSync(
    join(root, 'work.sql'),
    'CREATE TEMP VIEW totals AS SELECT customer, CAST(customer AS int) AS total FROM orders',
  );
  const found = await run(good);
  expect([found.code, found.text]).toEqual([
    1,
    expect.stringContaining('the embedded engine reads no whole number in "Anna"'),
  ]);
  const expected = good.replace('views: { totals: [{ customer: Anna, total: 15 }] }', 'error: reads no whole number');
  expect((await run(expected)).code).toBe(0);
});
