import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unwritable } from '../lib/errors.ts';
import { startTime } from './process.ts';

/**
 * Runs `work` while no other process changes the stack of this home; `log` receives the process that holds the lock.
 * Each process that wants the lock creates a file named after its pid and start time, then looks for others. Of two
 * processes, at least one sees the other and withdraws. The files of dead processes are ignored.
 */
export async function withLock<T>(home: string, log: (line: string) => void, work: () => Promise<T>): Promise<T> {
  const folder = join(home, 'run', 'lock');
  const own = `${process.pid}-${encodeURIComponent((await startTime(process.pid)) ?? '')}`;
  const file = join(folder, own);
  await mkdir(folder, { recursive: true }).catch((error) => {
    throw unwritable(folder, error);
  });
  let waitedFor: string | undefined;
  for (;;) {
    let other = await holder(folder, own);
    if (other === undefined) {
      await writeFile(file, '', { flag: 'wx' });
      other = await holder(folder, own);
      if (other === undefined) break;
      await rm(file);
    }
    if (other !== waitedFor) log(`waiting for process ${other}, which is changing the stack of ${home}`);
    waitedFor = other;
    await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 200));
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

/** The pid of another living process that holds or wants the lock. Removes the files of dead ones. */
async function holder(folder: string, own: string): Promise<string | undefined> {
  for (const name of await readdir(folder)) {
    if (name === own) continue;
    const [pid = '', started = ''] = name.split('-', 2);
    if ((await startTime(Number(pid))) === decodeURIComponent(started)) return pid;
    await rm(join(folder, name), { force: true });
  }
  return undefined;
}
