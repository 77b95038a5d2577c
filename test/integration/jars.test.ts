import { mkdir, mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

/** A set of one small jar, fetched by the real Maven. */
const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>t</groupId><artifactId>t</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies><dependency><groupId>org.slf4j</groupId><artifactId>slf4j-api</artifactId><version>2.0.16</version></dependency></dependencies>
</project>`;

let root: string;
let jarsOf: typeof import('../../controller/stack/jars.ts').jarsOf;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-jars-'));
  await mkdir(join(root, 'conf', 'stack', 'kafka'), { recursive: true });
  await writeFile(join(root, 'conf', 'stack', 'kafka', 'pom.xml'), pom);
  vi.resetModules();
  vi.stubEnv('SLUICE_CACHE', join(root, 'cache'));
  ({ jarsOf } = await import('../../controller/stack/jars.ts'));
});
afterAll(() => rm(root, { recursive: true }));

describe('the jars of a set', () => {
  test('are fetched once', async () => {
    const folder = await jarsOf('kafka', root, () => undefined);
    expect(folder.startsWith(root)).toBe(true);
    const jar = join(folder, 'slf4j-api-2.0.16.jar');
    const before = (await stat(jar)).ino;
    expect(await jarsOf('kafka', root, () => undefined)).toBe(folder);
    expect((await stat(jar)).ino).toBe(before);
  });

  test.each([
    ['cut off', (jar: string) => truncate(jar, 1000)],
    ['gone', (jar: string) => rm(jar)],
  ])('are fetched again when one is %s, and nothing half-done stays', async (_what, damage) => {
    const folder = await jarsOf('kafka', root, () => undefined);
    const jar = join(folder, 'slf4j-api-2.0.16.jar');
    const whole = (await stat(jar)).size;
    await damage(jar);
    await jarsOf('kafka', root, () => undefined);
    expect((await stat(jar)).size).toBe(whole);
    expect(await readdir(join(root, 'cache', 'jars'))).toHaveLength(1);
  });

  test('that cannot be fetched are told of by Maven’s own words and a hint', async () => {
    await writeFile(join(root, 'conf', 'stack', 'kafka', 'pom.xml'), pom.replace('2.0.16', '0.0.0-none'));
    await expect(jarsOf('kafka', root, () => undefined)).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('slf4j-api'),
    });
  });
});
