import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { startTime } from '../stack/process.ts';

/** Identifies the scope of process ids: this machine, this boot, this pid namespace. */
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

/**
 * Returns new names for controllers of this process: HOST/PLACE/PID/STARTED/RANDOM. A name is unique and shows whether
 * its process is alive.
 */
export const newOwner = async (): Promise<() => string> => {
  const started = ((await startTime(process.pid)) ?? '').replaceAll('/', '-');
  return () => [hostname(), place, process.pid, started, randomBytes(3).toString('hex')].join('/');
};

/**
 * Whether a name belongs to an ended process of this machine. False for other machines, whose processes are unknown.
 */
export async function isOwnerGone(owner: string): Promise<boolean> {
  const [, where, pid, started] = owner.split('/');
  if (where !== place) return false;
  return (await startTime(Number(pid)))?.replaceAll('/', '-') !== started;
}

/** The pid in a name when its process is or was one of this machine. */
export function pidOfOwner(owner: string): number | undefined {
  const [, where, pid, started] = owner.split('/');
  const isOurs = where === place && /^[1-9]\d*$/.test(pid ?? '') && started !== undefined && started !== '';
  return isOurs ? Number(pid) : undefined;
}
