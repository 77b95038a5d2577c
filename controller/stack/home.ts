import { chmod, lstat, mkdir } from 'node:fs/promises';
import { isLocal } from '../config/login.ts';
import type { Project } from '../config/project.ts';
import { unwritable } from '../lib/errors.ts';

/**
 * Creates the home and closes it to other users, because it holds rows of the sources, mails and secrets. A home whose
 * jobs run on another cluster keeps its mode: that cluster's users must read it.
 */
export async function closeHome(project: Project): Promise<void> {
  const { home } = project;
  try {
    await mkdir(home, { recursive: true, mode: 0o700 });
    if (!isLocal(project, 'livy')) return;
    const { mode, uid } = await lstat(home);
    if ((mode & 0o077) !== 0 && uid === process.getuid?.()) await chmod(home, 0o700);
  } catch (error) {
    throw unwritable(home, error);
  }
}
