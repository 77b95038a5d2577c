import { lstat, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Storage, Uri } from '../../../domain/ports/storage.ts';
import { rejected, unwritable } from '../../../lib/errors.ts';
import { below, isFile, pathOf } from '../../../lib/uri.ts';

/** The file that marks a folder, and each version in it, as Sluice's. */
const mark = '.sluice';
const markText =
  'This folder belongs to Sluice: what is in it is replaced and removed. Readers find the result in current/.\n';

/**
 * The entries of a target before marks existed: versions of Sluice's keys, a symlink to one of them, staging places.
 */
const ownEntries: readonly string[] = ['versions', 'current', '.staging', '_current.json'];
const ownVersion = /^\d{10}-sluice-/;

export const versionsOf = (target: Uri, ...names: readonly string[]): Uri => below(target, 'versions', ...names);
/** The version of a run's result. Names sort as runs do. */
export const versionOf = (runNumber: number, key: string): string => `${String(runNumber).padStart(10, '0')}-${key}`;

/** The symlink by which local readers find the published version. */
export const currentOf = (target: Uri): Uri => below(target, 'current');

/** The pointer names the published version; the symlink follows it. */
const pointerOf = (target: Uri): Uri => below(target, '_current.json');
const pointerSchema = z.object({ version: z.string().regex(/^\d{10}-[^/]+$/) });

/** Where an attempt stages the views of a file sink. It is in the sink's own storage, so that publishing is a move. */
export const stagingFolder = (target: Uri, key: string): Uri => below(target, '.staging', key);

const sortOf = async (path: string): Promise<'nothing' | 'folder' | 'link' | 'file'> => {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw unwritable(path, error);
  });
  if (!found) return 'nothing';
  return found.isSymbolicLink() ? 'link' : found.isDirectory() ? 'folder' : 'file';
};

/** The names directly in a folder. On this machine they include symlinks and empty folders. */
async function namesIn(storage: Storage, folder: Uri): Promise<string[]> {
  if (isFile(folder))
    return readdir(pathOf(folder)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw unwritable(pathOf(folder), error);
    });
  const names = (await storage.list(folder)).map(({ uri }) => uri.slice(folder.length + 1).split('/', 1)[0] ?? '');
  return [...new Set(names)];
}

/**
 * Claims a folder for Sluice. Throws a rejected SluiceError when it belongs to something else: it has entries but no
 * mark, or its `versions`, `current` or `.staging` has the wrong type.
 */
export async function takeFolder(storage: Storage, target: Uri): Promise<void> {
  const entries = await namesIn(storage, target);
  if (!entries.includes(mark)) {
    const strange = entries.filter((entry) => !ownEntries.includes(entry) && !entry.startsWith('.current-sluice-'));
    const versions = entries.includes('versions') ? await namesIn(storage, versionsOf(target)).catch(() => ['']) : [];
    const other = strange[0] ?? versions.find((version) => !ownVersion.test(version));
    if (other !== undefined) throw notOurs(target, strange[0] ?? join('versions', other));
  }
  if (isFile(target)) await checkSorts(pathOf(target));
  // Written also when it exists, so that a read-only target fails now.
  await storage.write(below(target, mark), markText);
}

/** Only a file system has symlinks and other entries that are not objects. */
async function checkSorts(target: string): Promise<void> {
  for (const folder of ['versions', '.staging'])
    if (!['nothing', 'folder'].includes(await sortOf(join(target, folder)))) throw notOurs(target, folder);
  if (!['nothing', 'link'].includes(await sortOf(currentOf(target)))) throw notOurs(target, 'current');
  if (!['nothing', 'file'].includes(await sortOf(join(target, mark)))) throw notOurs(target, mark);
  if ((await linkedVersion(target)) === '') throw notOurs(target, 'current');
}

const notOurs = (target: Uri, entry: string): Error =>
  rejected(
    `${target} is not Sluice's: ${JSON.stringify(entry)} in it was made by something else; nothing there was changed`,
    'name a folder of its own for the output, one that is empty or not there yet',
  );

/**
 * The version that the symlink shows, a name in `versions`. Undefined when there is none yet, empty when `current`
 * leads elsewhere.
 */
async function linkedVersion(target: Uri): Promise<string | undefined> {
  if (!isFile(target)) return undefined;
  const link = await readlink(currentOf(target)).catch(() => undefined);
  return link === undefined ? undefined : (/^versions\/(\d{10}-[^/]+)$/.exec(link)?.[1] ?? '');
}

/**
 * The published version, and the version of the pointer that names it. Targets of older Sluice versions have only the
 * symlink.
 */
export async function published(
  storage: Storage,
  target: Uri,
): Promise<{ readonly version: string | undefined; readonly pointer: string | undefined }> {
  const pointer = (await storage.stat(pointerOf(target)))?.version;
  if (pointer === undefined) return { version: await linkedVersion(target), pointer };
  const { success, data } = pointerSchema.safeParse(parsed(await storage.read(pointerOf(target))));
  if (!success) throw notOurs(target, '_current.json');
  return { version: data.version, pointer };
}

function parsed(text: Buffer | undefined): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}

/** Points to a version if the pointer has not changed since it was read. Returns whether it did. */
export const pointTo = async (
  storage: Storage,
  target: Uri,
  version: string,
  seen: string | undefined,
): Promise<boolean> =>
  (await storage.replace(pointerOf(target), `${JSON.stringify({ version })}\n`, seen)) !== undefined;

/** Makes the symlink follow the pointer, also when another publisher moves the pointer meanwhile. */
export async function follow(storage: Storage, target: Uri, key: string): Promise<void> {
  if (!isFile(target)) return;
  try {
    for (;;) {
      const { version } = await published(storage, target);
      if (version === undefined || (await linkedVersion(target)) === version) return;
      const fresh = join(target, `.current-${key}`);
      await rm(fresh, { force: true });
      await symlink(join('versions', version), fresh);
      await rename(fresh, currentOf(target));
    }
  } catch (error) {
    throw unwritable(target, error);
  }
}

/** Whether a version is complete. */
export const hasVersion = async (storage: Storage, target: Uri, version: string): Promise<boolean> =>
  (await storage.stat(versionsOf(target, version, mark))) !== undefined;

/** Moves the staged output of an attempt among the versions, and marks it as complete. */
export async function addVersion(storage: Storage, target: Uri, key: string, version: string): Promise<void> {
  await storage.move(stagingFolder(target, key), versionsOf(target, version));
  await storage.write(versionsOf(target, version, mark), key);
}

/** The keys of all complete versions, by version. */
export async function versionsIn(storage: Storage, target: Uri): Promise<Map<string, string>> {
  const marked = new Map<string, string>();
  for (const version of await namesIn(storage, versionsOf(target))) {
    if (isFile(target) && (await sortOf(versionsOf(target, version))) !== 'folder') continue;
    const key = await storage.read(versionsOf(target, version, mark));
    if (key !== undefined && /^\d{10}-/.test(version) && version.slice(11) === String(key))
      marked.set(version, String(key));
  }
  return marked;
}

/** Removes marked versions except the `kept` newest. It never removes the published version, or one without a mark. */
export async function removeOldVersions(storage: Storage, target: Uri, kept: number): Promise<void> {
  const shown = [(await published(storage, target)).version, await linkedVersion(target)];
  const marked = [...(await versionsIn(storage, target)).keys()];
  for (const old of marked.sort().reverse().slice(kept))
    if (!shown.includes(old)) await storage.remove(versionsOf(target, old));
}
