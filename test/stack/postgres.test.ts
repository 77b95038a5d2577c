import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Project } from '../../controller/config/project.ts';
import { copyOf } from '../../controller/stack/owned.ts';
import { postgres } from '../../controller/stack/postgres.ts';

const isRoot = process.getuid?.() === 0;
if (!isRoot)
  process.stdout.write('skipped: attacks on folders that root shares with another user, as this is not root\n');

let home: string;
/** The location of the data in commit be12035 when run as root, by a name that every user can guess. */
let former: string;
const project = (): Project =>
  ({ root: home, home, stack: { ports: { postgres: 1 }, elsewhere: {} }, endpoints: { postgres: '' } }) as never;
/** The data folder with which the server would start. */
async function dataFolder(): Promise<string> {
  const { args } = await postgres(project()).prepare(() => undefined);
  return args[args.indexOf('-D') + 1] as string;
}
const cleanUp = async (): Promise<void> => {
  const note = await readFile(join(home, 'data', 'postgres-folder'), 'utf8').catch(() => undefined);
  for (const folder of [note, home, former]) if (folder) await rm(folder, { recursive: true, force: true });
};

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'sluice-pg-'));
  former = join('/var/tmp', `sluice-${createHash('sha256').update(home).digest('hex').slice(0, 12)}`);
});
afterEach(cleanUp);

test('a data folder that a killed initdb left incomplete is created again', async () => {
  const parent = join(home, 'data', 'postgres');
  await mkdir(join(parent, 'main'), { recursive: true });
  await writeFile(join(parent, 'main', 'PG_VERSION'), '18\n');
  await writeFile(join(parent, 'initial-password'), 'half');
  await chmod(home, 0o755);
  const data = await dataFolder();
  expect(existsSync(join(data, 'global', 'pg_control'))).toBe(true);
  expect(await readdir(dirname(data))).toEqual(['main']);
  expect((await lstat(join(home, 'secrets', 'postgres'))).mode & 0o777).toBe(0o600);
});

describe.skipIf(!isRoot)('as root', () => {
  test('files that another user prepared are neither written nor given another owner', async () => {
    const secret = join(home, 'root-only.conf');
    await writeFile(secret, 'mine', { mode: 0o600 });
    await mkdir(join(former, 'postgres'), { recursive: true });
    await symlink(secret, join(former, 'postgres', 'initial-password'));
    for (const path of [former, join(former, 'postgres')]) await chown(path, 1, 1);
    const data = await dataFolder();
    expect(await readFile(secret, 'utf8')).toBe('mine');
    expect((await lstat(secret)).uid).toBe(0);
    expect(data.startsWith(former)).toBe(false);
    const shared = dirname(dirname(data));
    expect((await lstat(shared)).mode & 0o777).toBe(0o711);
    expect((await lstat(shared)).uid).toBe(0);
    expect(await dataFolder()).toBe(data);
  });

  test.each([
    ['belongs to user 1', (folder: string) => chown(folder, 1, 1)],
    ['other users can write to it', (folder: string) => chmod(folder, 0o777)],
  ])('a data folder of an earlier version that %s is refused by name', async (why, spoil) => {
    await mkdir(join(home, 'secrets'));
    await writeFile(join(home, 'secrets', 'postgres'), 'old');
    await mkdir(join(former, 'postgres', 'main'), { recursive: true });
    await writeFile(join(former, 'postgres', 'main', 'PG_VERSION'), '18\n');
    for (const path of [join(former, 'postgres'), join(former, 'postgres', 'main')]) await chown(path, 65_534, 65_534);
    expect(await dataFolder()).toBe(join(former, 'postgres', 'main'));
    await spoil(former);
    await expect(dataFolder()).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringMatching(new RegExp(`${former}.*${why}`)),
      hint: expect.stringContaining('remove'),
    });
  });
});

test('copied binaries are verified: a copy that differs from the package is replaced', async () => {
  const bin = join(home, 'package', 'native', 'bin');
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, 'postgres'), 'the server', { mode: 0o755 });
  const copy = await copyOf(bin, home);
  expect(await readFile(join(copy, 'postgres'), 'utf8')).toBe('the server');
  await writeFile(join(copy, 'postgres'), 'a Trojan horse');
  expect(await copyOf(bin, home)).toBe(copy);
  expect(await readFile(join(copy, 'postgres'), 'utf8')).toBe('the server');
  expect(await readdir(home)).toHaveLength(2);
});
