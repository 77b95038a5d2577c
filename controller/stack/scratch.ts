import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startTime } from './process.ts';

/** Removes scratch folders of dead processes. Each name in `folder` ends with the pid of its process. */
export async function removeStaleScratch(folder: string, pattern = /^(\d+)$/): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const pid = pattern.exec(name)?.[1];
    if (pid !== undefined && (await startTime(Number(pid))) === undefined)
      await rm(join(folder, name), { recursive: true, force: true });
  }
}
