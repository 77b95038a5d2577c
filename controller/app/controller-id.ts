import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { startTime } from '../stack/process.ts';

/** Where process ids mean the same: this boot of this machine, and in it this namespace. */
const place = createHash('sha256')
  .update([hostname(), read('/proc/sys/kernel/random/boot_id'), link('/proc/self/ns/pid')].join('\n'))
  .digest('hex')
  .slice(0, 8);

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** A name for a controller of this process, HOST/PLACE/PID/STARTED/RANDOM: unique, and telling whether it still lives. */
export const newOwner = async (): Promise<() => string> => {
  const started = ((await startTime(process.pid)) ?? '').replaceAll('/', '-');
  return () => [hostname(), place, process.pid, started, randomBytes(3).toString('hex')].join('/');
};

/** True when a name is of a process of this machine that is no more. Of other machines nothing is known. */
export async function isOwnerGone(owner: string): Promise<boolean> {
  const [, where, pid, started] = owner.split('/');
  if (where !== place) return false;
  return (await startTime(Number(pid)))?.replaceAll('/', '-') !== started;
}
