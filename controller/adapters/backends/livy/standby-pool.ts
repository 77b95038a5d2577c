import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Cluster, SparkSettings } from '../../../domain/plan.ts';
import { type BatchBackend, type BatchJob, hasEnded } from '../../../domain/ports/backend.ts';
import type { Storage, Uri } from '../../../domain/ports/storage.ts';
import { below } from '../../../lib/uri.ts';
import { mebibytes } from '../../../planning/sizing.ts';

export interface StandbyOptions {
  readonly storage: Storage;
  /** The folder of all standbys, which drivers reach, too. */
  readonly folder: Uri;
  /** As many drivers stand ready. */
  readonly count: number;
  /** A driver leaves when no job has come for this long. */
  readonly idleSeconds: number;
  /** Identifies the program that drivers have loaded. */
  readonly version: () => string;
}

/** Starts the name of a standby, which is also the id of its submissions. */
const prefix = 'sluice-standby-';
export const isStandby = (id: string): boolean => id.startsWith(prefix);

/** What the controller leaves for the driver; `Standby.java` reads the first two. */
interface Description {
  readonly idleSeconds: number;
  /** The job description after which the driver warms up. */
  readonly like: unknown;
  readonly version: string;
  readonly settings: SparkSettings;
  readonly properties: BatchJob['properties'];
  /** The system properties that name secret files. */
  readonly secrets: readonly string[];
}

/** The folder of the records of keys, and what one says when the key has no driver that stood ready. */
const [records, none] = ['keys', 'none'];

/** What the first creator of the file `job` writes; `Standby.java` reads it, too. Without a job, the driver leaves. */
const assignmentSchema = z.object({ key: z.string().optional() });

/** The next input may be larger than the last one: a driver is started with this much more memory than that needed. */
const spare = 1.25;
/** How long a driver may be unknown to the backend after its folder was made. Milliseconds. */
const startMs = 120_000;
/** How long the folder of a driver is kept that has had a job: its attempt is recovered within that. Milliseconds. */
const keptMs = 24 * 3_600_000;

/**
 * Drivers that stand ready: each has started and warmed up before its job is known, executes one, and ends. A key gets
 * one driver: its record, written once, names it, or says that there is none; then the driver's file `job`, whose first
 * creator decides, must name the key. Where another key was faster, or the driver has left, the key has none.
 */
export class StandbyPool {
  private readonly backend: BatchBackend;
  private readonly options: StandbyOptions;

  constructor(backend: BatchBackend, options: StandbyOptions) {
    this.backend = backend;
    this.options = options;
  }

  /** Gives a job to a driver that fits, and sends the others away. Returns its name, the same for every caller. */
  async assign(job: BatchJob, key: string): Promise<string | undefined> {
    const name = (await this.recorded(key)) ?? (await this.record(key, await this.choose(job)));
    if (name === none) return undefined;
    const files = Object.fromEntries(job.secretFiles.map(({ property, path }) => [property, path]));
    await this.decide(name, { key, spec: job.spec, files });
    return (await this.keyOf(name)) === key ? name : undefined;
  }

  /** The driver that has the job of a key. */
  async assigned(key: string): Promise<string | undefined> {
    const name = await this.recorded(key);
    return name !== undefined && name !== none && (await this.keyOf(name)) === key ? name : undefined;
  }

  /** Starts drivers like that of a job, until enough stand ready. */
  async refill(job: BatchJob): Promise<void> {
    const { storage, folder, count, idleSeconds, version } = this.options;
    const like = parsed(await storage.read(job.spec));
    if (like === undefined) return;
    const { properties } = job;
    const { largestMb } = await this.backend.capacity();
    const settings = withSpare(job.settings, largestMb);
    const secrets = job.secretFiles.map(({ property }) => property);
    for (let ready = (await this.idle()).size; ready < count; ready++) {
      const name = `${prefix}${randomBytes(6).toString('hex')}`;
      const description: Description = { idleSeconds, like, version: version(), settings, properties, secrets };
      await storage.write(this.place(name, 'standby.json'), JSON.stringify(description));
      const waiting: BatchJob = {
        spec: `standby:${below(folder, name)}`,
        settings,
        properties,
        secretFiles: secrets.map((property) => ({ property, path: this.place(name, `secret/${property}`) })),
        labels: { standby: name },
      };
      await this.backend.submit(waiting, name);
    }
  }

  /** The resources of the cluster once its idle drivers have a job or have left. */
  async capacity(): Promise<Cluster> {
    const freed = [...(await this.idle()).values()].flatMap(({ settings: { executors, executorCores } }) =>
      Array.from({ length: executors }, () => executorCores),
    );
    const cluster = await this.backend.capacity();
    if (freed.length === 0) return cluster;
    const { busy, cores, workers = [cores], ...rest } = cluster;
    const free = [...(busy ? [] : workers), ...freed];
    return { ...rest, cores: free.reduce((sum, own) => sum + own, 0), workers: free };
  }

  /** Removes what is left of a key whose attempt has ended, and of its driver. */
  async forget(key: string): Promise<void> {
    const name = await this.assigned(key);
    if (name !== undefined) await this.remove(name);
    await this.options.storage.remove(this.place(records, key));
  }

  private remove(name: string): Promise<void> {
    return this.options.storage.remove(below(this.options.folder, name));
  }

  /** An idle driver that fits a job. Sends those away that do not. */
  private async choose(job: BatchJob): Promise<string> {
    const drivers = [...(await this.idle())];
    const fitting = drivers.filter(([, driver]) => fits(driver, job, this.options.version()));
    for (const [name] of drivers) if (!fitting.some(([fit]) => fit === name)) await this.decide(name, {});
    return fitting[0]?.[0] ?? none;
  }

  private async recorded(key: string): Promise<string | undefined> {
    const text = await this.options.storage.read(this.place(records, key));
    return text && String(text);
  }

  /** Records the driver of a key, once. Returns what is recorded. */
  private async record(key: string, name: string): Promise<string> {
    await this.options.storage.create(this.place(records, key), name);
    return (await this.recorded(key)) ?? name;
  }

  private async keyOf(name: string): Promise<string | undefined> {
    return assignmentSchema.safeParse(parsed(await this.options.storage.read(this.place(name, 'job')))).data?.key;
  }

  private place(name: string, file: string): Uri {
    return below(this.options.folder, name, file);
  }

  /** All drivers by name, with the times of their files `standby.json` and `job`. */
  private async all(): Promise<Map<string, { startedMs: number; decidedMs?: number }>> {
    const { storage, folder } = this.options;
    const found = new Map<string, { startedMs: number; decidedMs?: number }>();
    for (const { uri, modifiedMs } of await storage.list(folder)) {
      const [name = '', file = ''] = uri.slice(below(folder).length + 1).split('/');
      if (name === records && Date.now() - modifiedMs > keptMs) await storage.remove(uri);
      if (!isStandby(name)) continue;
      const known = found.get(name) ?? { startedMs: modifiedMs };
      found.set(name, known);
      if (file === 'standby.json') known.startedMs = modifiedMs;
      if (file === 'job') known.decidedMs = modifiedMs;
    }
    return found;
  }

  /** The undecided drivers that live, with what they were started with. Removes what others have left. */
  private async idle(): Promise<Map<string, Description>> {
    const found = new Map<string, Description>();
    for (const [name, { startedMs, decidedMs }] of await this.all()) {
      const isIdle = decidedMs === undefined && (await this.isAlive(name));
      const description = isIdle
        ? parsed(await this.options.storage.read(this.place(name, 'standby.json')))
        : undefined;
      if (description) found.set(name, description as Description);
      else if (Date.now() - (decidedMs ?? startedMs) > (decidedMs === undefined ? startMs : keptMs))
        await this.remove(name);
    }
    return found;
  }

  private async isAlive(name: string): Promise<boolean> {
    const seen = await this.backend.observe({ key: name, id: name });
    return !seen.unknown && !hasEnded(seen.state);
  }

  /** Decides over a driver, unless somebody has. */
  private async decide(name: string, assignment: object): Promise<void> {
    await this.options.storage.create(this.place(name, 'job'), JSON.stringify(assignment));
  }
}

/** The settings of a job with memory to spare, up to that of the largest worker. */
function withSpare(settings: SparkSettings, largestMb: number): SparkSettings {
  const needed = mebibytes(settings.executorMemory);
  const wanted = Math.ceil((needed * spare) / 256) * 256;
  return { ...settings, executorMemory: `${Math.max(needed, Math.min(wanted, largestMb))}m` };
}

/** Whether a driver that was started so can execute a job. */
function fits(driver: Description, { settings, properties, secretFiles }: BatchJob, version: string): boolean {
  const { executorMemory: has, ...own } = driver.settings;
  const { executorMemory: needs, ...wanted } = settings;
  const secrets = secretFiles.map(({ property }) => property);
  const { version: loaded, properties: set, secrets: named } = driver;
  return (
    mebibytes(has) >= mebibytes(needs) &&
    JSON.stringify([loaded, own, set, named]) === JSON.stringify([version, wanted, properties, secrets])
  );
}

/** The JSON of a file; undefined when it is missing or damaged. */
function parsed(text: Buffer | undefined): unknown {
  try {
    return text && JSON.parse(String(text));
  } catch {
    return undefined;
  }
}
