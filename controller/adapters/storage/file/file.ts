import { randomBytes } from 'node:crypto';
import { watch } from 'node:fs';
import { copyFile, link, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { glob } from 'tinyglobby';
import type { Storage, StoredObject, Uri } from '../../../domain/ports/storage.ts';
import { rejected, SluiceError, unwritable } from '../../../lib/errors.ts';
import { pathOf } from '../../../lib/uri.ts';

/** An older lock was left by a dead process, because the work under a lock takes almost no time. Milliseconds. */
const staleLockMs = 10_000;

const isCode = (error: unknown, ...codes: string[]): boolean =>
  codes.includes((error as NodeJS.ErrnoException).code ?? '');

/** Files of this machine or of a mounted file system. */
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
    const modifiedMs = Number(found.mtimeNs) / 1e6;
    return { uri, size: Number(found.size), modifiedMs, version: `${found.ino}-${found.size}-${found.mtimeNs}` };
  },

  async find(folder, pattern) {
    const paths = await glob([pattern], { cwd: pathOf(folder), absolute: true });
    return Promise.all(
      paths.sort().map(async (path) => {
        const found = await fileStorage.stat(path);
        // Reading a pipe would block forever.
        if (!found) throw rejected(`${path} is no file, or a link that leads nowhere`, 'take it out of the folder');
        return found;
      }),
    );
  },

  async read(uri) {
    return readFile(pathOf(uri)).catch((error: unknown) => {
      if (isCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
      throw unwritable(pathOf(uri), error);
    });
  },

  async local(uri) {
    if (await fileStorage.stat(uri)) return pathOf(uri);
    throw rejected(`there is no file ${pathOf(uri)}`);
  },

  // From another disk the file is copied, under a temporary name first.
  upload: (file, uri) =>
    placed(uri, (fresh) => rename(file, fresh).catch(() => copyFile(file, fresh)), moved) as Promise<StoredObject>,

  async copy(from, to) {
    const [source, path] = [pathOf(from), pathOf(to)];
    try {
      await mkdir(dirname(path), { recursive: true });
      // Objects are replaced and never changed in place, so two names may share one content.
      await link(source, path).catch(() => copyFile(source, path));
    } catch (error) {
      throw unwritable(path, error);
    }
  },

  async move(folder, to) {
    try {
      await mkdir(dirname(pathOf(to)), { recursive: true });
      await rename(pathOf(folder), pathOf(to));
    } catch (error) {
      // It was moved before.
      if (isCode(error, 'ENOENT') && (await stat(pathOf(to)).catch(() => undefined))) return;
      throw unwritable(pathOf(to), error);
    }
  },

  write: (uri, body, { secret } = {}) => placed(uri, written(body, secret && 0o600), moved) as Promise<StoredObject>,

  create: (uri, body) =>
    placed(uri, written(body), async (fresh, path) => {
      try {
        await link(fresh, path);
        return true;
      } catch (error) {
        if (isCode(error, 'EEXIST')) return false;
        throw error;
      }
    }),

  replace: (uri, body, version) =>
    placed(uri, written(body), (fresh, path) =>
      locked(`${path}.lock`, async () => {
        if ((await fileStorage.stat(uri))?.version !== version) return false;
        return moved(fresh, path);
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

async function moved(from: string, to: string): Promise<true> {
  await rename(from, to);
  return true;
}

const written =
  (body: string | Uint8Array, mode?: number) =>
  (fresh: string): Promise<void> =>
    writeFile(fresh, body, { flag: 'wx', ...(mode === undefined ? {} : { mode }) });

/** Creates a file beside its destination and moves it there whole; undefined when `put` returns false. */
async function placed(
  uri: Uri,
  make: (fresh: string) => Promise<void>,
  put: (fresh: string, path: string) => Promise<boolean>,
): Promise<StoredObject | undefined> {
  const path = pathOf(uri);
  const fresh = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.part`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await make(fresh);
    return (await put(fresh, path)) ? await fileStorage.stat(uri) : undefined;
  } catch (error) {
    throw error instanceof SluiceError ? error : unwritable(path, error);
  } finally {
    await rm(fresh, { force: true }).catch(() => undefined);
  }
}

/** Removes a lock that a dead process has left. Renaming lets only one of several processes succeed. */
async function broken(lock: string): Promise<boolean> {
  const found = await stat(lock).catch(() => undefined);
  if (!found || Date.now() - found.mtimeMs < staleLockMs) return false;
  const grave = `${lock}.${process.pid}-${randomBytes(4).toString('hex')}.part`;
  await rename(lock, grave).catch(() => undefined);
  const moved = await stat(grave).catch(() => undefined);
  // Another process was faster, and this is its new lock.
  if (moved && moved.ino !== found.ino) await link(grave, lock).catch(() => undefined);
  await rm(grave, { force: true });
  return moved?.ino === found.ino;
}

/** Runs some work while no other process holds the lock. */
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
