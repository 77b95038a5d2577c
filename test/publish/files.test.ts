import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { filePublisher } from '../../controller/adapters/sinks/files/files.ts';
import { stagingFolder } from '../../controller/adapters/sinks/files/folder.ts';
import { fileStorage } from '../../controller/adapters/storage/file/file.ts';
import { openDuck } from '../../controller/clients/duckdb.ts';
import { literal } from '../../controller/clients/sql.ts';
import type { StagedView } from '../../controller/domain/ports/sink.ts';
import { publisherContract, type Sink } from '../contract/publisher.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-publish-'));
afterAll(() => rmSync(root, { recursive: true }));
let next = 0;

function sink(kind: 'parquet' | 'csv'): Sink & { readonly target: string } {
  next += 1;
  const target = join(root, `sink-${next}`);
  const scratch = join(root, 'scratch');
  return {
    target,
    publisher: filePublisher(root, scratch, fileStorage),
    async stage(key, rows) {
      const duck = await openDuck(scratch, [root]);
      const views: StagedView[] = [];
      for (const [view, n] of Object.entries(rows)) {
        const place = join(stagingFolder(target, key), view);
        await mkdir(place, { recursive: true });
        // A text with a line break: rows are counted as CSV records, not as lines.
        const data = `SELECT i, 'two' || chr(10) || 'lines' AS t FROM range(${n}) r(i)`;
        await duck.run(
          `COPY (${data}) TO ${literal(join(place, `part-0.${kind}`))} (FORMAT ${kind}${kind === 'csv' ? ', HEADER' : ''})`,
        );
        views.push({ view, place, rows: n });
      }
      await duck.close();
      return { kind, target, key, views };
    },
    async read(view) {
      const folder = join(target, 'current', view);
      if (!existsSync(folder)) return undefined;
      const duck = await openDuck(scratch, [root]);
      const [row] = await duck.rows(`SELECT count(*) AS n FROM ${literal(join(folder, `*.${kind}`))}`);
      await duck.close();
      return Number(row?.n);
    },
  };
}

publisherContract('of Parquet files', async () => sink('parquet'));
publisherContract('of CSV files', async () => sink('csv'));

describe('published files', () => {
  test('of several concurrent controllers are those of the latest run, by the pointer and by the link', async () => {
    const { publisher, stage, target } = sink('csv');
    const all = await Promise.all(Array.from({ length: 8 }, (_, i) => stage(`k${i + 1}`, { a: i + 1 })));
    await Promise.allSettled(all.map((staged, i) => publisher.publish(staged, i + 1)));
    expect(JSON.parse(await readFile(join(target, '_current.json'), 'utf8'))).toEqual({ version: '0000000008-k8' });
    expect(await readlink(join(target, 'current'))).toBe('versions/0000000008-k8');
  });

  test('are shown by the link as well after a controller died between pointer and link', async () => {
    const { publisher, stage, target } = sink('csv');
    const [first, second] = [await stage('k1', { a: 1 }), await stage('k2', { a: 2 })];
    await publisher.publish(first, 1);
    await publisher.publish(second, 2);
    await rm(join(target, 'current'));
    await symlink('versions/0000000001-k1', join(target, 'current'));
    await publisher.publish(second, 2);
    expect(await readlink(join(target, 'current'))).toBe('versions/0000000002-k2');
  });

  test('of a target without a pointer, from an earlier version, continue from its link', async () => {
    const { publisher, stage, read, target } = sink('csv');
    await publisher.publish(await stage('k2', { a: 2 }), 2);
    await rm(join(target, '_current.json'));
    await expect(publisher.publish(await stage('k1', { a: 1 }), 1)).rejects.toThrow(/result of a newer run/);
    await publisher.publish(await stage('k3', { a: 3 }), 3);
    expect(await read('a')).toBe(3);
  });

  test('with a foreign pointer are left alone', async () => {
    const { publisher, stage, target } = sink('csv');
    await publisher.publish(await stage('k1', { a: 1 }), 1);
    for (const text of ['{}', 'nonsense', '{"version":"../../etc"}']) {
      await writeFile(join(target, '_current.json'), text);
      await expect(publisher.publish(await stage('k2', { a: 2 }), 2)).rejects.toMatchObject({ kind: 'rejected' });
      expect(await readFile(join(target, '_current.json'), 'utf8')).toBe(text);
    }
  });

  test('retain the last three versions, so that a reader of an older one can finish', async () => {
    const { publisher, stage, target } = sink('csv');
    for (let n = 1; n <= 5; n++) await publisher.publish(await stage(`k${n}`, { a: n }), n);
    expect((await readdir(join(target, 'versions'))).sort()).toEqual([
      '0000000003-k3',
      '0000000004-k4',
      '0000000005-k5',
    ]);
  });

  test.each([
    ['a folder of somebody else, whatever is in it', { 'notes.txt': 'mine' }],
    ['versions of somebody else', { 'versions/3.11.4/bin': 'x', 'versions/node/bin': 'x', current: 'x' }],
    ['a file where its folder of versions would be', { versions: 'in the way' }],
  ])('leave alone %s', async (_what, files) => {
    const { publisher, stage, target } = sink('csv');
    await fill(target, files);
    const staged = await stage('sluice-r-s-1', { a: 1 });
    const before = await contents(target);
    for (const act of [() => publisher.prepare(staged), () => publisher.publish(staged, 1)])
      await expect(act()).rejects.toMatchObject({
        kind: 'rejected',
        message: expect.stringContaining("is not Sluice's"),
      });
    expect(await contents(target)).toEqual(before);
  });

  test.each(['current', 'versions', '.staging'])('do not follow or replace a foreign %s', async (name) => {
    const { publisher, stage, target } = sink('csv');
    const first = await stage('sluice-r-s-1', { a: 1 });
    await publisher.prepare(first);
    await publisher.publish(first, 1);
    const elsewhere = join(root, `elsewhere-${name}`);
    await fill(elsewhere, { 'precious.txt': 'x', '0000000001-sluice-x/a': 'x' });
    await rename(join(target, name), join(root, `was-${name}`));
    await symlink(elsewhere, join(target, name));
    await expect(publisher.prepare(first)).rejects.toThrow(/is not Sluice's/);
    await expect(publisher.publish({ ...first, key: 'sluice-r-s-2' }, 2)).rejects.toThrow(/is not Sluice's/);
    expect(await contents(elsewhere)).toEqual(['0000000001-sluice-x', '0000000001-sluice-x/a', 'precious.txt']);
  });

  test('never remove the published version, or foreign folders among the versions', async () => {
    const { publisher, stage, target } = sink('csv');
    for (const name of ['0000-mine', '0000000000-sluice-r-s-0', '9999999999-mine'])
      await publisher.publish(await stage('k0', { a: 1 }), 0).then(() => fill(target, { [`versions/${name}/x`]: 'x' }));
    for (let n = 1; n <= 5; n++) await publisher.publish(await stage(`k${n}`, { a: n }), n);
    const versions = await readdir(join(target, 'versions'));
    expect(versions.sort()).toEqual([
      '0000-mine',
      '0000000000-sluice-r-s-0',
      '0000000003-k3',
      '0000000004-k4',
      '0000000005-k5',
      '9999999999-mine',
    ]);
    expect(await readlink(join(target, 'current'))).toBe(join('versions', '0000000005-k5'));
  });

  test('continue in a folder of a version without marks', async () => {
    const { publisher, stage, target, read } = sink('csv');
    const old = '0000000001-sluice-r-s-1';
    await fill(target, { [`versions/${old}/a/part-0.csv`]: 'i,t\n1,x\n' });
    await symlink(join('versions', old), join(target, 'current'));
    const next = await stage('sluice-r-s-2', { a: 4 });
    await publisher.prepare(next);
    await publisher.publish(next, 2);
    expect(await read('a')).toBe(4);
    expect(await readdir(join(target, 'versions'))).toContain(old);
  });
});

async function fill(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

const contents = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true })).filter((name) => !name.startsWith('.staging')).sort();
