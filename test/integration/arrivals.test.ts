import { appendFile, mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDuck } from '../../controller/clients/duckdb.ts';
import { ownProject, Servers, seeded, until } from './servers.ts';
import { query } from './world.ts';

/** Files that arrive while two servers are killed: each is read once, and none half. */

const pipeline = `name: arriving
sources: { items: { csv: in/*.csv, key: id, columns: { id: string, file: string } } }
branches: [{ name: nothing-new, if: total.new == 0 }, { name: all }]
steps:
  work:
    if: branch == "all"
    engine: embedded
    spark: { sql: work.sql }
    outputs: [{ parquet: published, views: [per_file] }]
triggers:
  arrivals: { files: items, settle: 2s, poll: 1s }
`;
/** Files that arrive at once; the environment may say more. */
const many = Number(process.env.SLUICE_TEST_FILES ?? 1000);
let folder = '';
let database = '';
let servers: Servers;
const expected = new Map<string, number>();

beforeAll(async () => {
  ({ folder, database } = await ownProject('arriving-project', {
    'conf/pipelines/arriving.yaml': pipeline,
    'in/first.csv': 'id,file\nfirst-0,first\n',
    'work.sql':
      'CREATE OR REPLACE TEMP VIEW per_file AS SELECT file, count(*) AS n, count(DISTINCT id) AS ids FROM items GROUP BY file',
  }));
  expected.set('first', 1);
  servers = new Servers(folder);
  await servers.start(0);
  await servers.start(1);
  const armed = `SELECT FROM triggers WHERE pipeline = 'arriving' AND cursor IS NOT NULL`;
  await until(async () => (await query(armed, database)).length === 1);
});
afterAll(() => servers.stop());

const line = (file: string, i: number): string => `${file}-${i},${file}\n`;
const lines = (file: string, n: number): string =>
  `id,file\n${Array.from({ length: n }, (_, i) => line(file, i)).join('')}`;

async function published(): Promise<Map<string, number>> {
  const duck = await openDuck(join(folder, 'scratch'), [folder]);
  try {
    const rows = await duck.rows(
      `SELECT file, n, ids FROM read_parquet('${join(folder, 'published/current/per_file')}/*.parquet')`,
    );
    for (const { n, ids, file } of rows) expect(n, String(file)).toEqual(ids);
    return new Map(rows.map(({ file, n }) => [String(file), Number(n)]));
  } finally {
    await duck.close();
  }
}

/** A file that is written for some seconds, a line now and then. */
async function written(file: string, n: number, forMs: number): Promise<void> {
  const path = join(folder, 'in', `${file}.csv`);
  await writeFile(path, 'id,file\n');
  for (let i = 0; i < n; i++) {
    await sleep(forMs / n);
    await appendFile(path, line(file, i));
  }
  expected.set(file, n);
}

/** A file that appears complete under its name, as a careful writer does. */
async function renamed(file: string, n: number): Promise<void> {
  const [part, path] = [`${file}.csv.part`, `${file}.csv`].map((name) => join(folder, 'in', name));
  await writeFile(part as string, lines(file, n));
  await rename(part as string, path as string);
  expected.set(file, n);
}

test('every row of every file is published once; a file that is still written is not read', async () => {
  const random = seeded(7);
  const stopHarassing = servers.harass(random, 6000);
  await mkdir(join(folder, 'in'), { recursive: true });
  const slow = [written('slow-a', 40, 30_000), written('slow-b', 20, 9000)];
  for (let i = 0; i < 20; i++) {
    await renamed(`renamed-${i}`, 1 + Math.floor(random() * 50));
    await sleep(400 + random() * 1200);
  }
  await Promise.all(slow);
  // Many small files at once, as after an outage of the sender.
  await Promise.all(Array.from({ length: many }, (_, i) => renamed(`many-${i}`, 2)));
  // The same size at another time is another file; its rows replace those of before.
  await sleep(1500);
  await writeFile(join(folder, 'in', 'renamed-0.csv'), lines('renamed-0', expected.get('renamed-0') ?? 0));
  await stopHarassing();

  await expect
    .poll(async () => (await published().catch(() => new Map())).size, { timeout: 120_000, interval: 1000 })
    .toBe(expected.size);
  const idle = `SELECT FROM runs WHERE ended IS NULL`;
  await expect.poll(() => query(idle, database), { timeout: 60_000, interval: 500 }).toHaveLength(0);
  expect(Object.fromEntries(await published())).toEqual(Object.fromEntries(expected));

  const rows = await query('SELECT key, outcome, run FROM firings', database);
  const pins = await query(
    `SELECT body->'profiles'->'items'->'pin'->'files' AS files FROM events WHERE body->>'type' = 'sources-measured'`,
    database,
  );
  const runs = await query('SELECT run, state FROM runs', database);
  process.stdout.write(
    `files: ${expected.size} in ${rows.length} firings and ${runs.length} runs, ${servers.kills} kills\n`,
  );
  expect(runs.filter(({ state }) => !['succeeded', 'skipped'].includes(state))).toEqual([]);
  // No run has read a file before its last line was written.
  const read = pins.flatMap(({ files }) => files as { path: string; size: number }[]);
  for (const name of ['slow-a', 'slow-b']) {
    const sizes = read.filter(({ path }) => path.endsWith(`${name}.csv`)).map(({ size }) => size);
    expect(sizes.length, name).toBeGreaterThan(0);
    expect(new Set(sizes), name).toEqual(new Set([(await stat(join(folder, 'in', `${name}.csv`))).size]));
  }
  expect(runs.length).toBeGreaterThan(1);
  expect(new Set(rows.filter(({ outcome }) => outcome === 'started').map(({ run }) => run)).size).toBe(runs.length);
  expect(servers.kills).toBeGreaterThan(2);
});
