import { createHash } from 'node:crypto';
import {
  chmod,
  cp,
  lchown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { postgresPasswordFile } from '../config/project.ts';
import { SluiceError } from '../lib/errors.ts';

/** The user for a service that refuses to run as root. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Throws `unavailable` unless `path` is a folder, not a link, that belongs to one of these users, and that no other
 * user can write to.
 */
export async function checkOwned(path: string, uids: readonly number[], hint: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  const wrong = !found
    ? 'it does not exist'
    : !found.isDirectory()
      ? 'it is not a folder'
      : !uids.includes(found.uid)
        ? `it belongs to user ${found.uid}`
        : (found.mode & 0o022) !== 0
          ? 'other users can write to it'
          : undefined;
  if (wrong === undefined) return;
  throw new SluiceError(`${path} cannot be trusted with PostgreSQL's data: ${wrong}`, { kind: 'unavailable', hint });
}

/**
 * The folder outside the home for a service whose user cannot enter the home. It has a random name, which is noted in
 * the home, and only its owner can write to it. Up to version 0.1 its name could be guessed.
 */
export async function sharedFolder(home: string, user: User): Promise<string> {
  const note = join(home, 'data', 'postgres-folder');
  const own = process.getuid?.() ?? 0;
  const noted = await readFile(note, 'utf8').catch(() => undefined);
  if (noted !== undefined) {
    await checkOwned(noted, [own], `restore it, or remove ${note} to start with an empty database`);
    return noted;
  }
  const old = formerFolder(home);
  const wasUsed = (await exists(postgresPasswordFile(home))) && (await exists(join(old, 'postgres', 'main')));
  const folder = wasUsed ? await adopted(old, own, user, home) : await fresh();
  await mkdir(dirname(note), { recursive: true });
  await writeFile(`${note}.new`, folder, { mode: 0o600 });
  await rename(`${note}.new`, note);
  return folder;
}

/** The folder of PostgreSQL's data in version 0.1, when run as root. */
const formerFolder = (home: string): string =>
  join('/var/tmp', `sluice-${createHash('sha256').update(home).digest('hex').slice(0, 12)}`);

async function adopted(old: string, own: number, user: User, home: string): Promise<string> {
  const hint = `give it back to its owner, or remove ${postgresPasswordFile(home)} to start with an empty database elsewhere`;
  const parent = join(old, 'postgres');
  await checkOwned(old, [own], hint);
  await checkOwned(parent, [own, user.uid], hint);
  await lchown(parent, own, own);
  await checkOwned(join(parent, 'main'), [user.uid], hint);
  return old;
}

async function fresh(): Promise<string> {
  const parent = (await exists('/var/lib')) ? '/var/lib' : '/var/tmp';
  const folder = await mkdtemp(join(parent, 'sluice-'));
  // Other users can enter paths whose names they know.
  await chmod(folder, 0o711);
  return folder;
}

/** Copies the package's folder, which contains `bin`, into a folder that the other user can enter. Atomic. */
export async function copyOf(bin: string, folder: string): Promise<string> {
  const from = dirname(bin);
  const copy = join(folder, `postgres-${(await hashOf(bin)).slice(0, 12)}`);
  if ((await exists(copy)) && (await hashOf(join(copy, basename(bin)))) === (await hashOf(bin)))
    return join(copy, 'bin');
  await rm(copy, { recursive: true, force: true });
  const half = await mkdtemp(join(folder, 'copying-'));
  await cp(from, half, { recursive: true, verbatimSymlinks: true });
  await chmod(half, 0o755);
  await rename(half, copy);
  return join(copy, 'bin');
}

/** A hash over the names and contents of all files in a folder. */
async function hashOf(folder: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(folder)).sort()) hash.update(name).update(await readFile(join(folder, name)));
  return hash.digest('hex');
}

/**
 * Removes a folder. Another user owns its contents, so that user removes them: for root, a link could lead elsewhere.
 */
export async function removeAs(user: User | undefined, folder: string): Promise<void> {
  if (user) await execa('rm', ['-rf', folder], { reject: false, extendEnv: false, cwd: '/', ...user });
  await (user ? rmdir(folder) : rm(folder, { recursive: true, force: true })).catch(() => undefined);
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
