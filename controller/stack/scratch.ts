import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startTime } from './process.ts';

/** Removes what processes that are gone left in a folder of scratch folders, each of which ends with its process's pid. */
export async function removeStaleScratch(folder: string, pattern = /^(\d+)$/): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const pid = pattern.exec(name)?.[1];
    if (pid !== undefined && (await startTime(Number(pid))) === undefined)
      await rm(join(folder, name), { recursive: true, force: true });
  }
}
