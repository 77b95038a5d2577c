import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

/** A set of one small jar, downloaded by the real Maven. */
const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>t</groupId><artifactId>t</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies><dependency><groupId>org.slf4j</groupId><artifactId>slf4j-api</artifactId><version>2.0.16</version></dependency></dependencies>
</project>`;

let root: string;
let jarsOf: typeof import('../../controller/stack/jars.ts').jarsOf;
const sums = (): string => join(root, 'conf', 'stack', 'kafka', 'SHA256SUMS');
const slf4j = 'a12578dde1ba00bd9b816d388a0b879928d00bab3c83c240f7013bf4196c579a  slf4j-api-2.0.16.jar\n';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-jars-'));
  await mkdir(join(root, 'conf', 'stack', 'kafka'), { recursive: true });
  await writeFile(join(root, 'conf', 'stack', 'kafka', 'pom.xml'), pom);
  await writeFile(sums(), slf4j);
  vi.resetModules();
  vi.stubEnv('SLUICE_CACHE', join(root, 'cache'));
  ({ jarsOf } = await import('../../controller/stack/jars.ts'));
});
afterAll(() => rm(root, { recursive: true }));

describe('the jars of a set', () => {
  test('are downloaded once', async () => {
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
    ['another of the same size', async (jar: string) => writeFile(jar, Buffer.alloc((await stat(jar)).size))],
  ])('are fetched again when one is %s, and nothing half-done stays', async (_what, damage) => {
    const folder = await jarsOf('kafka', root, () => undefined);
    const jar = join(folder, 'slf4j-api-2.0.16.jar');
    const whole = await readFile(jar);
    await damage(jar);
    await jarsOf('kafka', root, () => undefined);
    expect(whole.equals(await readFile(jar))).toBe(true);
    expect(await readdir(join(root, 'cache', 'jars'))).toHaveLength(1);
  });

  test('that differ from the list are refused by name', async () => {
    await writeFile(sums(), slf4j.replace(/^a/, 'b'));
    await expect(jarsOf('kafka', root, () => undefined)).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringMatching(/SHA256SUMS: slf4j-api-2\.0\.16\.jar$/),
      hint: expect.stringContaining('npm run jar-sums'),
    });
    await writeFile(sums(), 'no hash');
    await expect(jarsOf('kafka', root, () => undefined)).rejects.toThrow(/SHA256SUMS:1 is no line of a hash and a jar/);
    await writeFile(sums(), slf4j);
  });

  test('that a killed download left are removed by the next one, but not those of a living process', async () => {
    const jars = join(root, 'cache', 'jars');
    const dead = (await execa(process.execPath, ['-e', 'process.stdout.write(String(process.pid))'])).stdout;
    for (const pid of [dead, String(process.ppid)])
      await mkdir(join(jars, `spark-0123456789ab.${pid}`), { recursive: true });
    await rm(join(await jarsOf('kafka', root, () => undefined), 'slf4j-api-2.0.16.jar'));
    await jarsOf('kafka', root, () => undefined);
    const left = (await readdir(jars)).filter((name) => name.startsWith('spark-'));
    expect(left).toEqual([`spark-0123456789ab.${process.ppid}`]);
    await rm(join(jars, left[0] as string), { recursive: true });
  });

  test('that cannot be downloaded are reported with the message of Maven and a hint', async () => {
    await writeFile(join(root, 'conf', 'stack', 'kafka', 'pom.xml'), pom.replace('2.0.16', '0.0.0-none'));
    await expect(jarsOf('kafka', root, () => undefined)).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('slf4j-api'),
    });
  });
});
