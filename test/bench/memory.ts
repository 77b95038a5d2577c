import { readFile } from 'node:fs/promises';
import { processesWith } from '../integration/world.ts';
import type { Role, Sizes } from './peaks.ts';

/** What the command line of such a process has. */
const marks: Readonly<Record<Exclude<Role, 'controller'>, string>> = {
  embedded: 'embedded-worker',
  driver: 'sluice.runner.Runner',
  executor: 'CoarseGrainedExecutorBackend',
};

/** The proportional set size of a process at a time, in MiB; the time in milliseconds since 1970. */
interface Sample {
  readonly at: number;
  readonly role: Role;
  readonly mib: number;
}

export interface Watched {
  /** The largest sizes between two times. */
  readonly peaks: (from: number, to: number) => Sizes;
  readonly stop: () => void;
}

const intervalMs = 400;

/** Watches the memory of a controller, and of the processes of its jobs in this stack. */
export function watchMemory(controller: number): Watched {
  const samples: Sample[] = [];
  let going = true;
  const pidsOf = async (role: Role): Promise<number[]> =>
    role === 'controller' ? [controller] : processesWith(marks[role]);
  const look = async (role: Role): Promise<void> => {
    const pids = await pidsOf(role);
    const sizes = await Promise.all(pids.map(pss));
    const mib = sizes.reduce((sum, each) => sum + each, 0);
    if (mib > 0) samples.push({ at: Date.now(), role, mib });
  };
  void (async () => {
    while (going) {
      for (const role of ['controller', 'embedded', 'driver', 'executor'] as const) await look(role);
      await new Promise((resolve) => setTimeout(resolve, intervalMs));
    }
  })();
  return {
    peaks: (from, to) => {
      const peaks: Sizes = {};
      for (const { at, role, mib } of samples)
        if (at >= from && at <= to) peaks[role] = Math.max(peaks[role] ?? 0, Math.round(mib));
      return peaks;
    },
    stop: () => {
      going = false;
    },
  };
}

/** 0 when the process has ended. */
async function pss(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0) / 1024;
}
