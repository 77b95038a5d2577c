import { randomBytes } from 'node:crypto';
import { watch } from 'node:fs';
import { link, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Storage, StoredObject, Uri } from '../../../domain/ports/storage.ts';
import { SluiceError, unwritable } from '../../../lib/errors.ts';

/** A lock that is older was left by a process that died with it: what is done under it takes no time. Milliseconds. */
const staleLockMs = 10_000;

const pathOf = (uri: Uri): string => (uri.startsWith('file:') ? fileURLToPath(uri) : uri);
const isCode = (error: unknown, ...codes: string[]): boolean =>
  codes.includes((error as NodeJS.ErrnoException).code ?? '');

/** Files of this machine, or of one that is mounted. */
export const fileStorage: Storage = {
  async list(folder) {
    const path = pathOf(folder);
    const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
      if (isCode(error, 'ENOENT', 'ENOTDIR')) return [];
      throw unwritable(path, error);
    });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    const found = await Promise.all(files.sort().map((file) => fileStorage.stat(file)));
    return found.filter((each) => each !== undefined);
  },

  async stat(uri) {
    const found = await stat(pathOf(uri), { bigint: true }).catch((error: unknown) => {
      if (isCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
      throw unwritable(pathOf(uri), error);
    });
    if (!found?.isFile()) return undefined;
    return { uri, size: Number(found.size), version: `${found.ino}-${found.size}-${found.mtimeNs}` };
  },

  async read(uri) {
    return readFile(pathOf(uri)).catch((error: unknown) => {
      if (isCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
      throw unwritable(pathOf(uri), error);
    });
  },

  write: (uri, body, { secret } = {}) =>
    placed(uri, body, secret ? 0o600 : undefined, async (fresh, path) => {
      await rename(fresh, path);
      return true;
    }) as Promise<StoredObject>,

  create: (uri, body) =>
    placed(uri, body, undefined, async (fresh, path) => {
      try {
        await link(fresh, path);
        return true;
      } catch (error) {
        if (isCode(error, 'EEXIST')) return false;
        throw error;
      }
    }),

  replace: (uri, body, version) =>
    placed(uri, body, undefined, (fresh, path) =>
      locked(`${path}.lock`, async () => {
        if ((await fileStorage.stat(uri))?.version !== version) return false;
        await rename(fresh, path);
        return true;
      }),
    ),

  async remove(uri) {
    await rm(pathOf(uri), { recursive: true, force: true }).catch((error: unknown) => {
      throw unwritable(pathOf(uri), error);
    });
  },

  watch(folder, changed) {
    try {
      const watcher = watch(pathOf(folder), { persistent: false }, (_event, name) => name !== null && changed(name));
      watcher.on('error', () => undefined);
      return () => watcher.close();
    } catch {
      return () => undefined;
    }
  },
};

/** Writes a file beside the place where it goes, and puts it there whole; undefined when `put` says that it did not. */
async function placed(
  uri: Uri,
  body: string | Uint8Array,
  mode: number | undefined,
  put: (fresh: string, path: string) => Promise<boolean>,
): Promise<StoredObject | undefined> {
  const path = pathOf(uri);
  const fresh = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.part`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(fresh, body, { flag: 'wx', ...(mode === undefined ? {} : { mode }) });
    return (await put(fresh, path)) ? await fileStorage.stat(uri) : undefined;
  } catch (error) {
    throw error instanceof SluiceError ? error : unwritable(path, error);
  } finally {
    await rm(fresh, { force: true }).catch(() => undefined);
  }
}

/** Takes away a lock that a dead process has left; by renaming it, so that of all who try one does. */
async function broken(lock: string): Promise<boolean> {
  const found = await stat(lock).catch(() => undefined);
  if (!found || Date.now() - found.mtimeMs < staleLockMs) return false;
  const grave = `${lock}.${process.pid}-${randomBytes(4).toString('hex')}.part`;
  await rename(lock, grave).catch(() => undefined);
  const moved = await stat(grave).catch(() => undefined);
  // Somebody else was quicker, and this is the new lock.
  if (moved && moved.ino !== found.ino) await link(grave, lock).catch(() => undefined);
  await rm(grave, { force: true });
  return moved?.ino === found.ino;
}

/** Does some work while no other process does any under this lock. */
async function locked<T>(lock: string, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      await writeFile(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw error;
      if (!(await broken(lock))) await sleep(5);
    }
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}
