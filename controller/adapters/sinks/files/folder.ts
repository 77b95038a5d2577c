import { lstat, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Storage, Uri } from '../../../domain/ports/storage.ts';
import { rejected, unwritable } from '../../../lib/errors.ts';
import { below, pathOf, schemeOf } from '../../../lib/uri.ts';

/** The file by which a folder, and each version in it, is known to be Sluice's. */
const mark = '.sluice';
const markText =
  'This folder belongs to Sluice: what is in it is replaced and removed. Readers find the result in current/.\n';

/** What a target had before it was marked: versions of keys that Sluice made, a link to one of them, staging places. */
const ownEntries: readonly string[] = ['versions', 'current', '.staging', '_current.json'];
const ownVersion = /^\d{10}-sluice-/;

export const versionsOf = (target: Uri, ...names: readonly string[]): Uri => below(target, 'versions', ...names);
/** The link by which readers on this machine find what is published. */
export const currentOf = (target: Uri): Uri => below(target, 'current');
const isLocal = (target: Uri): boolean => schemeOf(target) === 'file';

/** What says which version is published; the link follows it. */
const pointerOf = (target: Uri): Uri => below(target, '_current.json');
const pointerSchema = z.object({ version: z.string().regex(/^\d{10}-[^/]+$/) });

/** Where an attempt writes the views of a file sink; in the sink's own storage, so that moving is enough. */
export const stagingFolder = (target: Uri, key: string): Uri => below(target, '.staging', key);

const sortOf = async (path: string): Promise<'nothing' | 'folder' | 'link' | 'file'> => {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw unwritable(path, error);
  });
  if (!found) return 'nothing';
  return found.isSymbolicLink() ? 'link' : found.isDirectory() ? 'folder' : 'file';
};

/** The names directly in a folder: of this machine, also those of links and of empty folders. */
async function namesIn(storage: Storage, folder: Uri): Promise<string[]> {
  if (isLocal(folder))
    return readdir(pathOf(folder)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw unwritable(pathOf(folder), error);
    });
  const names = (await storage.list(folder)).map(({ uri }) => uri.slice(folder.length + 1).split('/', 1)[0] ?? '');
  return [...new Set(names)];
}

/**
 * Makes a folder Sluice's own, or throws a rejected SluiceError when it is somebody else's: a folder that is not empty and has
 * no mark, or one in which `versions`, `current` or `.staging` is not what Sluice makes of it.
 */
export async function takeFolder(storage: Storage, target: Uri): Promise<void> {
  const entries = await namesIn(storage, target);
  if (!entries.includes(mark)) {
    const strange = entries.filter((entry) => !ownEntries.includes(entry) && !entry.startsWith('.current-sluice-'));
    const versions = entries.includes('versions') ? await namesIn(storage, versionsOf(target)).catch(() => ['']) : [];
    const other = strange[0] ?? versions.find((version) => !ownVersion.test(version));
    if (other !== undefined) throw notOurs(target, strange[0] ?? join('versions', other));
  }
  if (isLocal(target)) await checkSorts(pathOf(target));
  // Also where it is there already: what cannot be written to is found out now.
  await storage.write(below(target, mark), markText);
}

/** What is no object, such as a link, is a file system's. */
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

/** The version that the link shows: a name in `versions`; undefined when there is none yet, empty when `current` leads elsewhere. */
async function linkedVersion(target: Uri): Promise<string | undefined> {
  if (!isLocal(target)) return undefined;
  const link = await readlink(currentOf(target)).catch(() => undefined);
  return link === undefined ? undefined : (/^versions\/(\d{10}-[^/]+)$/.exec(link)?.[1] ?? '');
}

/** The published version, and which pointer says so. Targets of earlier versions of Sluice have the link alone. */
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

/** Points at a version, if the pointer is still the one that was seen. */
export const pointTo = async (
  storage: Storage,
  target: Uri,
  version: string,
  seen: string | undefined,
): Promise<boolean> =>
  (await storage.replace(pointerOf(target), `${JSON.stringify({ version })}\n`, seen)) !== undefined;

/** Lets the link show what the pointer says, also when another publisher moves that meanwhile. */
export async function follow(storage: Storage, target: Uri, key: string): Promise<void> {
  if (!isLocal(target)) return;
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

/** Whether a version is there, whole. */
export const hasVersion = async (storage: Storage, target: Uri, version: string): Promise<boolean> =>
  (await storage.stat(versionsOf(target, version, mark))) !== undefined;

/** Gives what an attempt staged its place among the versions, and a mark when all of it is there. */
export async function addVersion(storage: Storage, target: Uri, key: string, version: string): Promise<void> {
  await storage.move(stagingFolder(target, key), versionsOf(target, version));
  await storage.write(versionsOf(target, version, mark), key);
}

/** The key of each version that is there, whole. */
export async function versionsIn(storage: Storage, target: Uri): Promise<Map<string, string>> {
  const marked = new Map<string, string>();
  for (const version of await namesIn(storage, versionsOf(target))) {
    if (isLocal(target) && (await sortOf(versionsOf(target, version))) !== 'folder') continue;
    const key = await storage.read(versionsOf(target, version, mark));
    if (key !== undefined && /^\d{10}-/.test(version) && version.slice(11) === String(key))
      marked.set(version, String(key));
  }
  return marked;
}

/** Removes all but the `kept` newest of the marked versions; never the one that readers see, nor what has no mark. */
export async function removeOldVersions(storage: Storage, target: Uri, kept: number): Promise<void> {
  const shown = [(await published(storage, target)).version, await linkedVersion(target)];
  const marked = [...(await versionsIn(storage, target)).keys()];
  for (const old of marked.sort().reverse().slice(kept))
    if (!shown.includes(old)) await storage.remove(versionsOf(target, old));
}
