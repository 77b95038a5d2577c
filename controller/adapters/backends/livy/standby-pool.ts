import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Cluster, SparkSettings } from '../../../domain/plan.ts';
import { type BatchBackend, type BatchJob, hasEnded } from '../../../domain/ports/backend.ts';
import type { Storage, Uri } from '../../../domain/ports/storage.ts';
import { below } from '../../../lib/uri.ts';
import { mebibytes, usableShare } from '../../../planning/sizing.ts';

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

/** A driver without a job. */
interface Driver {
  readonly name: string;
  readonly description: Description;
  /** Whether it has its executors and is warm. */
  readonly isReady: boolean;
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
  private filling: Promise<void> = Promise.resolve();

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

  /** Starts drivers like that of a job, until enough stand ready. Resolves when `isWanted` no longer holds, too. */
  refill(job: BatchJob, isWanted: () => boolean = () => true): Promise<void> {
    this.filling = this.filling.catch(() => undefined).then(() => (isWanted() ? this.fill(job) : undefined));
    return this.filling;
  }

  private async fill(job: BatchJob): Promise<void> {
    const { storage, folder, count, idleSeconds, version } = this.options;
    const like = parsed(await storage.read(job.spec));
    if (like === undefined) return;
    const { properties } = job;
    const { largestMb } = await this.backend.capacity();
    const settings = withSpare(job.settings, largestMb);
    const secrets = job.secretFiles.map(({ property }) => property);
    for (let ready = (await this.idle()).length; ready < count; ready++) {
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

  /** The resources of the cluster once the drivers that stand ready have a job or have left. */
  async capacity(): Promise<Cluster> {
    const ready = (await this.idle()).filter(({ isReady }) => isReady);
    const freed = ready.flatMap(({ description: { settings } }) =>
      Array.from({ length: settings.executors }, () => settings.executorCores),
    );
    const cluster = await this.backend.capacity();
    if (freed.length === 0) return cluster;
    const { busy, cores, workers = [cores], ...rest } = cluster;
    const free = [...(busy ? [] : workers), ...freed];
    return { ...rest, cores: free.reduce((sum, own) => sum + own, 0), workers: free };
  }

  /** Sends all drivers without a job away. */
  async dismiss(): Promise<void> {
    for (const driver of await this.idle()) await this.sendAway(driver);
  }

  /** Removes the passwords of a driver that has ended, and could not do that itself. */
  async removeSecrets(name: string): Promise<void> {
    await this.options.storage.remove(this.place(name, 'secret'));
  }

  /** Removes what is left of a key whose attempt has ended, and of its driver. */
  async forget(key: string): Promise<void> {
    const { storage, folder } = this.options;
    const name = await this.assigned(key);
    if (name !== undefined) await storage.remove(below(folder, name));
    await storage.remove(this.place(records, key));
  }

  /** A driver that fits a job, rather one that is ready. Sends away those that may have the cores it needs. */
  private async choose(job: BatchJob): Promise<string> {
    const drivers = (await this.idle()).sort((a, b) => Number(b.isReady) - Number(a.isReady));
    const version = this.options.version();
    const [chosen, ...others] = drivers.filter(({ description }) => fits(description, job, version));
    const staying = [chosen, ...others.filter(({ isReady }) => isReady)];
    for (const driver of drivers) if (!staying.includes(driver)) await this.sendAway(driver);
    return chosen?.name ?? none;
  }

  private async sendAway({ name, isReady }: Driver): Promise<void> {
    await this.decide(name, {});
    // One that is still starting looks for its job later; it may even wait for cores.
    if (!isReady && (await this.keyOf(name)) === undefined)
      void this.backend.cancel({ key: name, id: name }).catch(() => undefined);
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

  /** The files of all drivers by name, with their times. */
  private async all(): Promise<Map<string, Map<string, number>>> {
    const { storage, folder } = this.options;
    const found = new Map<string, Map<string, number>>();
    for (const { uri, modifiedMs } of await storage.list(folder)) {
      const [name = '', file = ''] = uri.slice(below(folder).length + 1).split('/');
      if (isStandby(name)) found.set(name, (found.get(name) ?? new Map<string, number>()).set(file, modifiedMs));
    }
    return found;
  }

  /** The undecided drivers that live. Removes what others have left. */
  private async idle(): Promise<Driver[]> {
    const found: Driver[] = [];
    for (const [name, files] of await this.all()) {
      const isIdle = !files.has('job') && (await this.isAlive(name));
      const text = isIdle ? await this.options.storage.read(this.place(name, 'standby.json')) : undefined;
      const description = parsed(text) as Description | undefined;
      if (description) found.push({ name, description, isReady: files.has('ready') });
      else if (await this.isLeft(name, files)) await this.options.storage.remove(below(this.options.folder, name));
    }
    return found;
  }

  /** Whether nobody needs the folder of a driver any more. That of an attempt is removed with it. */
  private async isLeft(name: string, files: ReadonlyMap<string, number>): Promise<boolean> {
    const ageMs = Date.now() - (files.get('job') ?? files.get('standby.json') ?? 0);
    if (ageMs < startMs) return false;
    if ((await this.keyOf(name)) === undefined) return true;
    return ageMs > keptMs && !(await this.isAlive(name));
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

/** The settings of a job with memory to spare, where that costs no other executor its place. */
function withSpare(settings: SparkSettings, largestMb: number): SparkSettings {
  const needed = mebibytes(settings.executorMemory);
  const wanted = Math.min(Math.ceil((needed * spare) / 256) * 256, Math.floor(largestMb * usableShare));
  return settings.executors > 1 ? settings : { ...settings, executorMemory: `${Math.max(needed, wanted)}m` };
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
