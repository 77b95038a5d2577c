import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Submission } from '../../../domain/events.ts';
import type { BackendTraits, BatchBackend, BatchJob, Observation } from '../../../domain/ports/backend.ts';
import type { Storage, Uri } from '../../../domain/ports/storage.ts';
import { cloudLogin, inherited } from '../../../lib/env.ts';
import { SluiceError } from '../../../lib/errors.ts';
import { below } from '../../../lib/uri.ts';
import { mebibytes } from '../../../planning/sizing.ts';
import { thisMachine } from './machine.ts';

export interface EmbeddedOptions {
  readonly storage: Storage;
  /** Where processes record that they run, a folder for each key. */
  readonly folder: Uri;
  /** The command line of the worker process. Its further arguments: the job, the record, the limits, the connections. */
  readonly worker: readonly string[];
  /** What the worker needs to know of conf/connections.yaml: where storages are. Without secrets. */
  readonly connections: object;
  /** Whether a process of this machine, by the name that it has recorded, has ended. */
  readonly isGone: (owner: string) => Promise<boolean>;
  /** Whether a process, by the name that it has recorded, runs on this machine; then its pid. */
  readonly pidOf: (owner: string) => number | undefined;
}

/**
 * How a process ended, the file `end` of its record. The others are `process` (its name), `alive` (a counter), `log`,
 * and `cancel`, which is written for it.
 */
export interface EndOfProcess {
  readonly state: 'succeeded' | 'failed';
  readonly detail?: string;
}

const traits: BackendTraits = { poll: { firstMs: 20, longestMs: 500 }, pendingMs: 60_000, unknownMs: 15_000 };
/** A process of another machine that has not changed its record for this long has ended. Milliseconds. */
const silentMs = 60_000;
/** How long a process has to end after SIGTERM. Milliseconds. */
const graceMs = 3000;
const confirmTimeoutMs = 90_000;

/** What this backend says of a process that left no end. */
const vanished = 'the embedded engine’s process was killed, or its machine failed';

/**
 * Jobs in processes of their own on this machine, with DuckDB. A process survives its controller, and any controller of
 * this machine finds it by its key; those of other machines see its record in the shared storage.
 */
export function embeddedBackend({
  storage,
  folder,
  worker,
  connections,
  isGone,
  pidOf,
}: EmbeddedOptions): BatchBackend {
  const started = new Map<string, Promise<ChildProcess>>();
  /** The last counter of each process of another machine, and when it changed. */
  const heard = new Map<string, { readonly count: string; readonly at: number }>();
  const read = async (key: string, name: string): Promise<string | undefined> => {
    const found = await storage.read(below(folder, key, name));
    return found && String(found);
  };

  async function hasGone(key: string, owner: string): Promise<boolean> {
    if (pidOf(owner) !== undefined) return isGone(owner);
    const count = (await read(key, 'alive')) ?? '';
    const before = heard.get(key);
    if (before?.count === count) return performance.now() - before.at > silentMs;
    heard.set(key, { count, at: performance.now() });
    return false;
  }

  /** How a process ended; undefined while it runs. */
  async function endOf(key: string, owner: string): Promise<EndOfProcess | undefined> {
    const wasGone = await hasGone(key, owner);
    const end = await read(key, 'end');
    const said = end === undefined ? undefined : endIn(end);
    if (said) return said;
    return wasGone ? { state: 'failed', detail: vanished } : undefined;
  }

  const isRunning = (child: ChildProcess | undefined): child is ChildProcess =>
    child !== undefined && child.exitCode === null && child.signalCode === null;

  async function start(job: BatchJob, key: string): Promise<ChildProcess> {
    const { driverMemory, executorCores } = job.settings;
    const [command = process.execPath, ...args] = worker;
    const limits = [String(mebibytes(driverMemory)), String(executorCores), JSON.stringify(connections)];
    const passfile = job.secretFiles.find(({ property }) => property === 'org.postgresql.pgpassfile')?.path;
    const child = spawn(command, [...args, job.spec, below(folder, key), ...limits], {
      detached: true,
      stdio: 'ignore',
      env: { ...inherited, ...cloudLogin(), ...(passfile === undefined ? {} : { PGPASSFILE: passfile }) },
    });
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject)).catch(
      (error: unknown) => {
        throw new SluiceError(`the embedded engine cannot be started: ${error}`, { kind: 'unavailable', cause: error });
      },
    );
    child.unref();
    return child;
  }

  const submission = (key: string): Submission => ({ key, id: `embedded-${key}` });

  return {
    traits,
    check: async () => undefined,
    capacity: async () => ({ ...thisMachine, largestCores: thisMachine.cores }),

    async submit(job, key) {
      if ((await read(key, 'process')) !== undefined) return submission(key);
      const child = started.get(key) ?? start(job, key);
      started.set(key, child);
      child.catch(() => started.delete(key));
      await child;
      return submission(key);
    },

    async find(key) {
      const isKnown = started.has(key) || (await read(key, 'process')) !== undefined;
      return isKnown ? submission(key) : undefined;
    },

    async observe({ key }): Promise<Observation> {
      const child = await started.get(key);
      const wasRunning = isRunning(child);
      const owner = await read(key, 'process');
      if (owner === undefined) {
        if (wasRunning) return { state: 'pending' };
        return child ? { state: 'failed', detail: vanished } : { state: 'pending', unknown: true };
      }
      const end = await endOf(key, owner);
      return { applicationId: `embedded-${key}`, ...(end ?? { state: 'running' }) };
    },

    async cancel({ key }) {
      const deadline = performance.now() + confirmTimeoutMs;
      const child = await started.get(key)?.catch(() => undefined);
      for (const asked = performance.now(); ; await sleep(50)) {
        const owner = await read(key, 'process');
        const pid = owner === undefined ? child?.pid : pidOf(owner);
        const isOver =
          owner === undefined ? !isRunning(child) : (await endOf(key, owner)) && (await hasGone(key, owner));
        if (isOver) return;
        if (pid !== undefined) kill(pid, performance.now() - asked > graceMs ? 'SIGKILL' : 'SIGTERM');
        else await storage.create(below(folder, key, 'cancel'), '');
        if (performance.now() > deadline)
          throw new SluiceError(`${key} is still running ${confirmTimeoutMs / 1000} s after its cancellation`, {
            kind: 'unavailable',
          });
      }
    },

    logs: async ({ key }) => ((await read(key, 'log')) ?? '').split('\n').filter((line) => line !== ''),

    forget: ({ key }) => storage.remove(below(folder, key)),

    classify: ({ detail }) => (detail === vanished ? 'killed' : undefined),
  };
}

/** The recorded end; undefined for a damaged record. */
function endIn(text: string): EndOfProcess | undefined {
  try {
    return JSON.parse(text) as EndOfProcess;
  } catch {
    return undefined;
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}
