import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type Sluice, withSluice } from '../../controller/app/sluice.ts';
import { openPipeline, withStore } from '../../controller/app/wiring.ts';
import { openDuck } from '../../controller/clients/duckdb.ts';
import type { RunState } from '../../controller/domain/state.ts';
import { parquet } from '../../controller/snapshot/snapshot.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-engine-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A project without any server: one CSV source, one step on the embedded engine. */
function project(name: string, sql: string, step = '', outputs = ''): string {
  const folder = join(root, name);
  mkdirSync(join(folder, 'conf'), { recursive: true });
  cpSync(join(import.meta.dirname, '../../conf/stack.yaml'), join(folder, 'conf/stack.yaml'));
  writeFileSync(join(folder, 'conf/connections.yaml'), 'engine: embedded\nstore: { sqlite: store.db }\n');
  writeFileSync(
    join(folder, 'orders.csv'),
    'id,amount,at\n1,10,2026-01-01 10:00:00\n2,5,\n3,x,\n4,,2026-02-01 00:00:00\n',
  );
  writeFileSync(join(folder, 'work.sql'), sql);
  const file = join(folder, 'pipeline.yaml');
  writeFileSync(
    file,
    `name: ${name}
sources: { orders: { csv: orders.csv, key: id, columns: { id: int, amount: int, at: timestamp } } }
branches: [{ name: full }]
steps:
  work:
    spark: { sql: work.sql }
${step}
    outputs: [{ parquet: out, views: [result] }${outputs}]
`,
  );
  return file;
}

async function run(file: string): Promise<RunState> {
  const { project: opened, loaded } = await openPipeline(file);
  return withSluice(opened, async (sluice) =>
    sluice.followToCompletion(await sluice.startRun(loaded, {}), () => undefined),
  );
}

async function published(name: string): Promise<Record<string, unknown>[]> {
  const folder = join(root, name, 'out/current/result');
  const files = readdirSync(folder).filter((each) => each.startsWith('part-'));
  const duck = await openDuck(join(root, 'scratch'), [join(root, name)]);
  try {
    return await duck.rows(`SELECT * FROM ${parquet(files.map((each) => join(folder, each)))} ORDER BY 1`);
  } finally {
    await duck.close();
  }
}

test('a pipeline runs without any server: measured, computed by the embedded engine, audited, published', async () => {
  const file = project(
    'plain',
    `-- Rows with an amount; the division is Spark's.
CREATE TEMP VIEW result AS SELECT id, amount / 4 AS quarter, CAST(at AS date) AS day, 'a' AS text FROM orders;
CREATE TEMP VIEW words AS SELECT id, at, nullif('', '') AS none, '' AS empty, ' "x" ' AS quoted FROM orders`,
    '',
    ', { csv: text, views: [words] }',
  );
  const state = await run(file);
  expect(state.ended, JSON.stringify(state.ended)).toMatchObject({ state: 'succeeded' });
  const [attempt, ...more] = state.steps.work?.attempts ?? [];
  expect(more).toEqual([]);
  expect(attempt?.settings).toMatchObject({ engine: 'embedded' });
  expect(attempt?.applicationId).toBe(`embedded-${attempt?.key}`);
  expect(attempt?.result?.inputs).toEqual([
    { name: 'orders', read: 4, valid: 3, quarantined: 1, reasons: { 'amount: not an int': 1 } },
  ]);
  expect(await published('plain')).toEqual([
    { id: 1, quarter: 2.5, day: '2026-01-01T00:00:00.000Z', text: 'a' },
    { id: 2, quarter: 1.25, day: null, text: 'a' },
    { id: 4, quarter: null, day: '2026-02-01T00:00:00.000Z', text: 'a' },
  ]);
});

test('CSV is written as Spark writes it', () => {
  const folder = join(root, 'plain/text/current/words');
  const [file = ''] = readdirSync(folder).filter((each) => each.startsWith('part-'));
  const [header, ...lines] = readFileSync(join(folder, file), 'utf8').trim().split('\n');
  expect([header, ...lines.sort()]).toEqual([
    'id,at,none,empty,quoted',
    '1,2026-01-01T10:00:00.000Z,,""," ""x"" "',
    '2,,,""," ""x"" "',
    '4,2026-02-01T00:00:00.000Z,,""," ""x"" "',
  ]);
});

test.each([
  [
    'a function with Java’s regular expressions',
    "SELECT id, regexp_replace('a', 'b', 'c') AS x FROM orders",
    /line 1: view result: regexp_replace: is not one of/,
  ],
  ['a Java regular expression', "SELECT id FROM orders WHERE 'a' RLIKE 'b'", /RLIKE/i],
  [
    'a sum of doubles',
    'SELECT sum(amount / 3) AS x FROM orders',
    /sum: of double, which depends on the order of the rows/,
  ],
  ['a column without a name', 'SELECT id, 1 FROM orders', /column 2 has no name/],
  ['the time of day', 'SELECT id, now() AS x FROM orders', /now/],
  [
    'a text beside a number',
    'SELECT id FROM orders WHERE CAST(id AS string) = id',
    /string and int meet; write a CAST/,
  ],
  ['a file', "SELECT * FROM 'orders.csv'", /line 1/],
])('%s is refused by name before anything runs', async (what, query, says) => {
  const name = `refused-${what.replace(/\W+/g, '-').toLowerCase()}`;
  const state = await run(project(name, `CREATE TEMP VIEW result AS ${query}`));
  expect(state.ended?.state).toBe('failed');
  expect(state.ended?.reason).toMatch(says);
  expect(state.steps.work?.attempts ?? []).toEqual([]);
});

/** A query that works for minutes. */
const endless = `CREATE TEMP VIEW d AS SELECT * FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS t (n);
CREATE TEMP VIEW k AS SELECT CAST(a.n AS bigint) * 100 + b.n * 10 + c.n AS n FROM d a CROSS JOIN d b CROSS JOIN d c;
CREATE TEMP VIEW result AS SELECT md5(CAST(a.n * b.n + c.n AS string)) AS text, count(*) AS n
FROM k a CROSS JOIN k b CROSS JOIN k c CROSS JOIN d GROUP BY 1`;

/** Runs a pipeline; \`meanwhile\` is called once its process has begun. */
async function interrupted(
  file: string,
  meanwhile: (sluice: Sluice, run: string, pid: number) => Promise<void>,
): Promise<RunState> {
  const { project: opened, loaded } = await openPipeline(file);
  return withSluice(opened, async (sluice) => {
    const begun = await sluice.startRun(loaded, {});
    let isBegun = false;
    return sluice.followToCompletion(begun, ({ kind, ...update }) => {
      if (isBegun || kind !== 'event' || !('record' in update) || update.record.event.type !== 'application-found')
        return;
      isBegun = true;
      const key = update.state.steps.work?.attempts[0]?.key ?? '';
      const owner = readFileSync(join(opened.home, 'embedded', key, 'process'), 'utf8');
      void meanwhile(sluice, begun.run, Number(owner.split('/')[2]));
    });
  });
}

test('a process that is killed is retried, and the result is published once', async () => {
  const file = project('killed', endless, '    retry: { maximumAttempts: 2, initialInterval: 100ms }');
  const state = await interrupted(file, async (_sluice, _run, pid) => {
    writeFileSync(join(root, 'killed/work.sql'), 'CREATE TEMP VIEW result AS SELECT id FROM orders');
    process.kill(pid, 'SIGKILL');
  });
  expect(state.ended, JSON.stringify(state.ended)).toMatchObject({ state: 'succeeded' });
  expect(state.steps.work?.attempts.map(({ failure }) => failure?.kind)).toEqual(['killed', undefined]);
  expect(await published('killed')).toEqual([{ id: 1 }, { id: 2 }, { id: 4 }]);
});

test('a cancelled run ends its process first', async () => {
  let process_ = 0;
  const state = await interrupted(project('cancelled', endless), async (_sluice, name, pid) => {
    process_ = pid;
    const { project: opened } = await openPipeline(join(root, 'cancelled/pipeline.yaml'));
    await withStore(opened, (store) => store.request(name, Date.now(), { type: 'cancel-requested', by: 'test' }));
  });
  expect(state.ended?.state).toBe('cancelled');
  expect(() => process.kill(process_, 0)).toThrow(/ESRCH/);
});

test('a timeout ends the process, and is reported as such', async () => {
  const file = project('late', endless, '    timeout: 2s\n    retry: { maximumAttempts: 1 }');
  const state = await run(file);
  expect(state.steps.work?.attempts.map(({ failure }) => failure?.kind)).toEqual(['timed-out']);
});

test('a job that outgrows its memory fails with that kind, and its retry has more', async () => {
  const sql = "CREATE TEMP VIEW result AS SELECT max(lpad(CAST(id AS string), 30000000, 'x')) AS n FROM orders";
  const file = project('large', sql, '    retry: { maximumAttempts: 2, initialInterval: 100ms }');
  writeFileSync(file, readFileSync(file, 'utf8').replace('sql: work.sql', 'sql: work.sql, driverMemory: 16m'));
  const state = await run(file);
  const [first, second] = state.steps.work?.attempts ?? [];
  expect(first?.failure?.kind).toBe('out-of-memory');
  expect(second?.settings).toMatchObject({ engine: 'embedded', driverMemory: '32m' });
});
