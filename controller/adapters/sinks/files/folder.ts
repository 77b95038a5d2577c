import { lstat, mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Storage } from '../../../domain/ports/storage.ts';
import { rejected } from '../../../lib/errors.ts';

/** The file by which a folder, and each version in it, is known to be Sluice's. */
const mark = '.sluice';
const said =
  'This folder belongs to Sluice: what is in it is replaced and removed. Readers find the result in current/.\n';

/** What a target had before it was marked: versions of keys that Sluice made, a link to one of them, staging places. */
const ownEntries: readonly string[] = ['versions', 'current', '.staging', '_current.json'];
const ownVersion = /^\d{10}-sluice-/;

export const versionsOf = (target: string): string => join(target, 'versions');
export const currentOf = (target: string): string => join(target, 'current');

/** What says which version is published; the link follows it. */
const pointerOf = (target: string): string => join(target, '_current.json');
const pointerSchema = z.object({ version: z.string().regex(/^\d{10}-[^/]+$/) });

/** Where an attempt writes the views of a file sink; on the same file system as the sink, so that renaming is enough. */
export const stagingFolder = (target: string, key: string): string => join(target, '.staging', key);

const sortOf = async (path: string): Promise<'nothing' | 'folder' | 'link' | 'file'> => {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!found) return 'nothing';
  return found.isSymbolicLink() ? 'link' : found.isDirectory() ? 'folder' : 'file';
};

/**
 * Makes a folder Sluice's own, or throws a rejected SluiceError when it is somebody else's: a folder that is not empty and has
 * no mark, or one in which `versions`, `current` or `.staging` is not what Sluice makes of it.
 */
export async function takeFolder(target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  const entries = await readdir(target);
  if (!entries.includes(mark)) {
    const strange = entries.filter((entry) => !ownEntries.includes(entry) && !entry.startsWith('.current-sluice-'));
    const versions = entries.includes('versions') ? await readdir(versionsOf(target)).catch(() => ['']) : [];
    const other = strange[0] ?? versions.find((version) => !ownVersion.test(version));
    if (other !== undefined) throw notOurs(target, strange[0] ?? join('versions', other));
  }
  for (const folder of ['versions', '.staging'])
    if (!['nothing', 'folder'].includes(await sortOf(join(target, folder)))) throw notOurs(target, folder);
  if (!['nothing', 'link'].includes(await sortOf(currentOf(target)))) throw notOurs(target, 'current');
  if (!['nothing', 'file'].includes(await sortOf(join(target, mark)))) throw notOurs(target, mark);
  if ((await linkedVersion(target)) === '') throw notOurs(target, 'current');
  if (!entries.includes(mark)) await writeFile(join(target, mark), said);
}

const notOurs = (target: string, entry: string): Error =>
  rejected(
    `${target} is not Sluice's: ${JSON.stringify(entry)} in it was made by something else; nothing there was changed`,
    'name a folder of its own for the output, one that is empty or not there yet',
  );

/** The version that the link shows: a name in `versions`; undefined when there is none yet, empty when `current` leads elsewhere. */
async function linkedVersion(target: string): Promise<string | undefined> {
  const link = await readlink(currentOf(target)).catch(() => undefined);
  return link === undefined ? undefined : (/^versions\/(\d{10}-[^/]+)$/.exec(link)?.[1] ?? '');
}

/** The published version, and which pointer says so. Targets of earlier versions of Sluice have the link alone. */
export async function published(
  storage: Storage,
  target: string,
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
  target: string,
  version: string,
  seen: string | undefined,
): Promise<boolean> =>
  (await storage.replace(pointerOf(target), `${JSON.stringify({ version })}\n`, seen)) !== undefined;

/** Lets the link show what the pointer says, also when another publisher moves that meanwhile. */
export async function follow(storage: Storage, target: string, key: string): Promise<void> {
  for (;;) {
    const { version } = await published(storage, target);
    if (version === undefined || (await linkedVersion(target)) === version) return;
    const fresh = join(target, `.current-${key}`);
    await rm(fresh, { force: true });
    await symlink(join('versions', version), fresh);
    await rename(fresh, currentOf(target));
  }
}

/** Gives what an attempt staged a mark, and then its place among the versions. */
export async function addVersion(target: string, key: string, version: string): Promise<void> {
  const staging = stagingFolder(target, key);
  await mkdir(versionsOf(target), { recursive: true });
  await writeFile(join(staging, mark), key);
  await rename(staging, join(versionsOf(target), version));
}

/** Removes all but the `kept` newest of the marked versions; never the one that readers see, nor what has no mark. */
export async function removeOldVersions(storage: Storage, target: string, kept: number): Promise<void> {
  const shown = [(await published(storage, target)).version, await linkedVersion(target)];
  const marked: string[] = [];
  for (const version of await readdir(versionsOf(target))) {
    const folder = join(versionsOf(target), version);
    if ((await sortOf(folder)) !== 'folder') continue;
    const key = await readFile(join(folder, mark), 'utf8').catch(() => undefined);
    if (key !== undefined && /^\d{10}-/.test(version) && version.slice(11) === key) marked.push(version);
  }
  for (const old of marked.sort().reverse().slice(kept))
    if (!shown.includes(old)) await rm(join(versionsOf(target), old), { recursive: true, force: true });
}
