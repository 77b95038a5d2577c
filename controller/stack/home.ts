import { chmod, lstat, mkdir } from 'node:fs/promises';
import { isLocal } from '../config/login.ts';
import { type Project, sharedOf } from '../config/project.ts';
import { unwritable } from '../lib/errors.ts';
import { below, isFile } from '../lib/uri.ts';

/**
 * Creates the home and closes it to other users, because it holds rows of the sources, mails and secrets. A home whose
 * jobs run on another cluster keeps its mode: that cluster's users must read it.
 */
export async function closeHome(project: Project): Promise<void> {
  const shared = sharedOf(project);
  const isElsewhere = shared !== project.home && isFile(shared);
  await closeFolder(project, project.home);
  if (isElsewhere) for (const folder of ['runs', 'repairs']) await closeFolder(project, below(shared, folder));
}

async function closeFolder(project: Project, folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (!isLocal(project, 'livy')) return;
    const { mode, uid } = await lstat(folder);
    if ((mode & 0o077) !== 0 && uid === process.getuid?.()) await chmod(folder, 0o700);
  } catch (error) {
    throw unwritable(folder, error);
  }
}
