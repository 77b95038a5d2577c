import { mkdtempSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EndOfProcess } from '../adapters/backends/embedded/embedded.ts';
import { fileStorageDriver } from '../adapters/storage/file/driver.ts';
import { s3StorageDriver } from '../adapters/storage/s3/driver.ts';
import type { Project } from '../config/project.ts';
import type { Storage, Uri } from '../domain/ports/storage.ts';
import type { RunnerResult } from '../domain/result.ts';
import { type EmbeddedJob, execute } from '../embedded/execute.ts';
import { reasonOf } from '../lib/errors.ts';
import { below } from '../lib/uri.ts';
import { storageOf } from './adapters.ts';
import { newOwner } from './controller-id.ts';

/** The process of one embedded job. Arguments: the job description, its record, memory in MiB, threads. */
interface Job extends EmbeddedJob {
  readonly claim: Uri;
  readonly result: Uri;
}

/** How often it shows that it is alive, and looks whether it has been cancelled. Milliseconds. */
const beatMs = 2000;
/** How often its memory is looked at. Milliseconds. */
const watchMs = 200;
/** The share of the job's memory that the database knows of. Its writers and its allocator take more than its limit. */
const databaseShare = 0.8;
/** Memory beside that of the job: the code, buffers of files and connections. MiB. */
const besideMb = 400;

const [spec = '', record = '', memoryMb = '1024', threads = '1', connections = '{}'] = process.argv.slice(2);
const scratch = mkdtempSync(join(tmpdir(), 'sluice-embedded-'));
// The registry of all drivers takes longer to load than small jobs to run.
const storages = [fileStorageDriver, s3StorageDriver];
const project = { connections: JSON.parse(connections) } as Project;
const storage: Storage = storageOf({ storages }, { project, scratch });

async function main(): Promise<void> {
  const owner = (await newOwner())();
  // A second process of the same job leaves.
  if (!(await storage.create(below(record, 'process'), owner))) return;
  const job = JSON.parse(String(await storage.read(spec))) as Job;
  if (!(await storage.create(job.claim, 'driver')))
    return end({ state: 'failed', detail: `[CLAIMED] ${job.key} was barred before it began` });
  const stop = watch(job, owner);
  const limits = { memoryMb: Math.floor(Number(memoryMb) * databaseShare), threads: Number(threads) };
  const result = await execute(job, { storage, scratch, ...limits });
  stop();
  await leave(job, result);
}

/** Watches over the process while it works. Returns a function that ends that. */
function watch(job: Job, owner: string): () => void {
  let beats = 0;
  const beat = setInterval(async () => {
    const isCancelled = await storage.stat(below(record, 'cancel')).catch(() => undefined);
    // Without its record, nobody waits for it any more.
    const mine = await storage.read(below(record, 'process')).catch(() => owner);
    if (isCancelled || String(mine) !== owner) stopNow();
    await storage.write(below(record, 'alive'), String(++beats)).catch(() => undefined);
  }, beatMs);
  const limit = Number(memoryMb) + besideMb;
  const memory = setInterval(() => {
    const used = process.memoryUsage.rss() / 2 ** 20;
    if (used <= limit) return;
    clearInterval(memory);
    const message = `the process used ${Math.round(used)} MiB, and ${memoryMb} were given to the job`;
    const error = { type: 'OutOfMemoryError', message, phase: 'working' };
    const nothing = { inputs: [], outputs: [], seconds: {} };
    const failed = { key: job.key, applicationId: `embedded-${job.key}`, state: 'failed', ...nothing, error } as const;
    void leave(job, failed).finally(stopNow);
  }, watchMs);
  return () => {
    clearInterval(beat);
    clearInterval(memory);
  };
}

/** Ends the process at once, without its spilled rows. An ordinary exit would wait for the query. */
function stopNow(): void {
  rmSync(scratch, { recursive: true, force: true });
  process.kill(process.pid, 'SIGKILL');
}

let hasLeft = false;

/** Leaves the result, then its own end; once. */
async function leave({ result: place }: Job, result: RunnerResult): Promise<void> {
  if (hasLeft) return;
  hasLeft = true;
  const { error, seconds } = result;
  const phases = Object.entries(seconds).map(([phase, took]) => `${phase}: ${took} s`);
  const lines = error ? [...phases, `ERROR ${error.type}: while ${error.phase}: ${error.message}`] : phases;
  await storage.write(below(record, 'log'), lines.join('\n'));
  await storage.write(place, JSON.stringify(result));
  await end(error ? { state: 'failed', detail: error.message.split('\n', 1)[0] ?? '' } : { state: 'succeeded' });
}

const end = async (how: EndOfProcess): Promise<void> =>
  void (await storage.write(below(record, 'end'), JSON.stringify(how)));

// A query that fills all cores must not keep the controller from its lease.
setPriority(5);
process.on('SIGTERM', stopNow);
try {
  await main();
} catch (error) {
  await end({ state: 'failed', detail: reasonOf(error) });
} finally {
  await rm(scratch, { recursive: true, force: true });
}
