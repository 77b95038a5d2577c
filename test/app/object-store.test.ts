import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { Sluice } from '../../controller/app/sluice.ts';
import { openPipeline } from '../../controller/app/wiring.ts';
import { openDuck } from '../../controller/clients/duckdb.ts';
import type { RunState } from '../../controller/domain/state.ts';
import { parquet } from '../../controller/snapshot/snapshot.ts';
import { closeHome } from '../../controller/stack/home.ts';
import { memoryStore } from '../fakes/store.ts';
import { objects, projectIn, registry } from './outside.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-object-store-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
beforeEach(() => objects.remove('mem://shop'));

const pipeline = `
name: sales
sources:
  counted: { csv: 'mem://shop/in/*.csv', key: n, columns: { n: bigint, note: string } }
checks:
  - { name: short notes, rows: counted, where: length(note) < 9, otherwise: quarantine }
branches: [{ name: full }]
steps:
  double:
    spark: { sql: doubled.sql }
    outputs: [{ parquet: mem://shop/marts/, views: [doubled], unique: { doubled: n } }]
report:
  title: Sales
  figures: [{ name: Rows, sql: SELECT count(*) FROM doubled }]
  spreadsheets: [doubled]
`;
const connections = [
  'storage: mem://shop/sluice/',
  'allow: { paths: [mem://shop/in, mem://shop/marts, mem://shop/reports] }',
  'reports: { folder: mem://shop/reports }',
];

/** Runs the pipeline, on a new store or on one with earlier runs. */
async function runs(text = pipeline, store = memoryStore(), given = connections): Promise<RunState> {
  const { project, loaded } = await openPipeline(projectIn(root, text, ...given), registry);
  const sluice = await Sluice.open(project, store, registry);
  try {
    const state = await sluice.followToCompletion(await sluice.startRun(loaded, {}), () => undefined);
    await sluice.cleanUp();
    return state;
  } finally {
    await sluice.close();
  }
}

async function rowsOf(uri: string) {
  const file = await objects.local(uri);
  const duck = await openDuck(root, [file]);
  try {
    return await duck.rows(`SELECT * FROM ${parquet([file])} ORDER BY n`);
  } finally {
    await duck.close();
  }
}

const names = async (): Promise<string[]> => (await objects.list('mem://shop')).map(({ uri }) => uri.slice(11));

test('a run with sources, snapshots, quarantine, results and report in an object store uses no folder for them', async () => {
  await objects.write('mem://shop/in/a.csv', 'n,note\n1,one\n2,two\nx,three\n');
  await objects.write('mem://shop/in/b.csv', 'n,note\n4,a note that is too long\n');
  const { run, ended, profiles, steps, report } = await runs();
  expect(ended).toMatchObject({ state: 'succeeded' });
  const at = `mem://shop/sluice/runs/${run}`;
  expect(profiles?.counted).toMatchObject({
    measures: { rows: 4, valid: 2, invalid: 2, new: 4 },
    pin: {
      files: [{ path: 'mem://shop/in/a.csv' }, { path: 'mem://shop/in/b.csv' }],
      kept: { paths: [`${at}/inputs/counted-reviewed.parquet`] },
    },
    quarantine: `${at}/quarantine/counted.csv`,
  });
  const [output] = steps.double?.outputs ?? [];
  expect(output).toMatchObject({
    rows: 2,
    where: expect.stringMatching(/^mem:\/\/shop\/marts\/versions\/\d{10}-.*\/doubled$/),
  });
  expect(await rowsOf(`${output?.where}/part-0.parquet`)).toEqual([
    { n: 1, twice: 2 },
    { n: 2, twice: 4 },
  ]);
  expect(await names()).toEqual(
    expect.arrayContaining([
      `sluice/runs/${run}/double/1/job.json`,
      `sluice/runs/${run}/double/1/result.json`,
      `sluice/runs/${run}/quarantine/counted.parquet`,
      'marts/_current.json',
      `reports/sales/${run}/doubled.csv`,
      `reports/sales/${run}/index.html`,
    ]),
  );
  expect(report).toMatchObject({
    url: `mem://shop/reports/sales/${run}/index.html`,
    figures: [{ name: 'Rows', value: '2' }],
  });
  expect(existsSync(join(root, '.sluice', 'runs'))).toBe(false);
});

test('later runs there know what was read and published, and leave three versions and no unused inputs', async () => {
  const store = memoryStore();
  await objects.write('mem://shop/in/a.csv', 'n,note\n1,one\n');
  await runs(pipeline, store);
  for (const n of [2, 3, 4]) {
    await objects.write(`mem://shop/in/${n}.csv`, `n,note\n${n},more\n`);
    const { ended, profiles } = await runs(pipeline, store);
    expect(ended).toMatchObject({ state: 'succeeded' });
    expect(profiles?.counted?.measures).toMatchObject({ rows: n, new: 1 });
  }
  const versions = new Set((await names()).flatMap((name) => /^marts\/versions\/([^/]+)/.exec(name)?.[1] ?? []));
  expect(versions.size).toBe(3);
  expect((await names()).filter((name) => name.startsWith('marts/.staging'))).toEqual([]);
});

test('output there is refused when it breaks the schema that readers know, or is not unique', async () => {
  const store = memoryStore();
  await objects.write('mem://shop/in/a.csv', 'n,note\n1,one\n');
  await runs(pipeline, store);
  await objects.write('mem://shop/in/b.csv', 'n,note\n1,two\n');
  const before = (await objects.read('mem://shop/marts/_current.json'))?.toString();
  const { ended } = await runs(pipeline, store);
  expect(ended).toMatchObject({
    state: 'failed',
    reason: expect.stringContaining('n must be unique, and 1 occurs 2 times'),
  });
  expect((await objects.read('mem://shop/marts/_current.json'))?.toString()).toBe(before);
});

test('a bucket that conf/ does not allow is refused, and one of an unknown kind', async () => {
  const refusal = async (text: string): Promise<string> =>
    runs(text).then(
      ({ ended }) => JSON.stringify(ended),
      (error: Error) => error.message,
    );
  expect(await refusal(pipeline.replace('mem://shop/in/', 'mem://other/in/'))).toContain(
    'mem://other/in lies outside the project',
  );
  expect(await refusal(pipeline.replace('mem://shop/in/', 'mem://shop/in/../out/'))).toContain('lies outside');
  expect(await refusal(pipeline)).toContain('no file matches');
  expect(await refusal(pipeline.replace('parquet: mem:', 'parquet: ftp:'))).toMatch(
    /outputs\[0\]\.parquet: there is no storage for "ftp:\/\/" \(known: file, s3, mem\)/,
  );
  await objects.write('mem://shop/in/a.csv', 'n,note\n1,one\n');
  const elsewhere = connections.map((line) => line.replace('storage: mem:', 'storage: ftp:'));
  const { ended } = await runs(pipeline, memoryStore(), elsewhere);
  expect(JSON.stringify(ended)).toContain('there is no storage for ftp://shop/sluice');
});

test('a folder of this machine may be the storage: and a file may be named by its URL', async () => {
  const folder = join(root, 'data');
  mkdirSync(folder);
  writeFileSync(join(folder, 'a.csv'), 'n,note\n1,one\nx,two\n');
  const text = pipeline
    .replace('mem://shop/in/*.csv', `${pathToFileURL(folder).href}/*.csv`)
    .replace('mem://shop/marts/', './marts');
  const { run, ended, profiles } = await runs(text, memoryStore(), ['storage: shared', 'reports: { folder: reports }']);
  expect(ended).toMatchObject({ state: 'succeeded' });
  const at = join(root, 'shared', 'runs', String(run));
  expect(profiles?.counted).toMatchObject({
    pin: {
      files: [{ path: join(folder, 'a.csv') }],
      kept: { paths: [join(at, 'inputs', 'counted-reviewed.parquet')] },
    },
    quarantine: join(at, 'quarantine', 'counted.csv'),
  });
  expect(readFileSync(join(root, 'reports/sales/latest/doubled.csv'), 'utf8')).toContain('1,2');
  expect(readdirSync(join(root, 'marts/current/doubled'))).toEqual(['part-0.parquet']);
});

test('the folders that runs share are closed to other users of the machine', async () => {
  const { project } = await openPipeline(
    projectIn(root, pipeline, 'storage: closed', ...connections.slice(1)),
    registry,
  );
  await closeHome(project);
  const modes = ['runs', 'repairs'].map((name) => statSync(join(root, 'closed', name)).mode & 0o777);
  expect(modes).toEqual([0o700, 0o700]);
});
