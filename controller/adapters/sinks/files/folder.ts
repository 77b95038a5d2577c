import { lstat, mkdir, readdir, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rejected } from '../../../lib/errors.ts';

/** The file by which a folder, and each version in it, is known to be Sluice's. */
const mark = '.sluice';
const said =
  'This folder belongs to Sluice: what is in it is replaced and removed. Readers find the result in current/.\n';

/** What a target had before it was marked: versions of keys that Sluice made, a link to one of them, staging places. */
const ownEntries: readonly string[] = ['versions', 'current', '.staging'];
const ownVersion = /^\d{10}-sluice-/;

export const versionsOf = (target: string): string => join(target, 'versions');
export const currentOf = (target: string): string => join(target, 'current');

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
  if ((await currentVersion(target)) === '') throw notOurs(target, 'current');
  if (!entries.includes(mark)) await writeFile(join(target, mark), said);
}

const notOurs = (target: string, entry: string): Error =>
  rejected(
    `${target} is not Sluice's: ${JSON.stringify(entry)} in it was made by something else; nothing there was changed`,
    'name a folder of its own for the output, one that is empty or not there yet',
  );

/** The version that readers see: a name in `versions`; undefined when there is none yet, empty when `current` leads elsewhere. */
export async function currentVersion(target: string): Promise<string | undefined> {
  const link = await readlink(currentOf(target)).catch(() => undefined);
  return link === undefined ? undefined : (/^versions\/(\d{10}-[^/]+)$/.exec(link)?.[1] ?? '');
}

/** Gives what an attempt staged a mark, and then its place among the versions. */
export async function addVersion(target: string, key: string, version: string): Promise<void> {
  const staging = stagingFolder(target, key);
  await mkdir(versionsOf(target), { recursive: true });
  await writeFile(join(staging, mark), key);
  await rename(staging, join(versionsOf(target), version));
}

/** Removes all but the `kept` newest of the marked versions; never the one that readers see, nor what has no mark. */
export async function removeOldVersions(target: string, kept: number): Promise<void> {
  const current = await currentVersion(target);
  const marked: string[] = [];
  for (const version of await readdir(versionsOf(target))) {
    const folder = join(versionsOf(target), version);
    if ((await sortOf(folder)) !== 'folder') continue;
    const key = await readFile(join(folder, mark), 'utf8').catch(() => undefined);
    if (key !== undefined && /^\d{10}-/.test(version) && version.slice(11) === key) marked.push(version);
  }
  for (const old of marked.sort().reverse().slice(kept))
    if (old !== current) await rm(join(versionsOf(target), old), { recursive: true, force: true });
}
