import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Project } from '../../controller/config/project.ts';

const checkout = { root: join(import.meta.dirname, '..', '..') } as Project;
let cache: string;
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'sluice-archive-'));
  vi.resetModules();
  vi.stubEnv('SLUICE_CACHE', cache);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(cache, { recursive: true });
});

test('class archives fit the jars that were there before them, and none that were fetched later', async () => {
  const { classArchives } = await import('../../controller/stack/archive.ts');
  const { madeHome } = await import('../../controller/stack/spark.ts');
  const home = madeHome(checkout.root);
  expect(home.startsWith(cache)).toBe(true);
  const put = async (file: string, changed: number): Promise<void> => {
    await writeFile(join(home, file), '');
    await utimes(join(home, file), changed, changed);
  };
  await mkdir(join(home, 'jars'), { recursive: true });
  await put('jars/manifest.json', 1000);
  await put('driver.jsa', 1001);
  expect(classArchives(checkout)).toBeUndefined();
  await put('executor.jsa', 1002);
  const both = { driver: join(home, 'driver.jsa'), executor: join(home, 'executor.jsa') };
  expect(classArchives(checkout)).toEqual(both);
  await put('jars/manifest.json', 1003);
  expect(classArchives(checkout)).toBeUndefined();
});
