import type { PostgresPin } from '../../controller/adapters/sources/postgres/driver.ts';
import type { Random } from '../../controller/demo/random.ts';
import type { BatchBackend, BatchJob, Observation } from '../../controller/domain/ports/backend.ts';
import type { RunnerResult } from '../../controller/domain/result.ts';
import { mebibytes } from '../../controller/planning/sizing.ts';
import { capacity, traits } from '../fakes/backend.ts';
import type { Time } from './time.ts';

/** How a job ends, by its key. */
export type Fate = 'succeeds' | 'out-of-memory' | 'bad-sql' | 'lost-executor' | 'killed' | 'never-ends';

interface Application {
  readonly key: string;
  readonly id: string;
  readonly from: number;
  until: number | undefined;
  state: 'RUNNING' | 'FINISHED' | 'KILLED' | 'FAILED';
}

interface Driver {
  readonly key: string;
  state: 'running' | 'success' | 'dead';
  log: string[];
  application?: Application;
}

/** The files on the disk that controllers and drivers share. */
export interface Disk {
  readonly claims: Map<string, 'driver' | 'controller'>;
  readonly revoked: Set<string>;
  readonly results: Map<string, RunnerResult>;
  /** Staged rows, by location. */
  readonly staged: Map<string, number>;
}

/** The runner's input: its staging places and its sources. */
export interface SimulatedJob extends BatchJob {
  readonly places: readonly string[];
  readonly pins: readonly PostgresPin[];
  readonly read: RunnerResult['inputs'];
}

/** Livy, which can forget everything, and Spark behind it, which does not. */
export class Cluster {
  readonly applications: Application[] = [];
  private batches = new Map<string, Driver>();
  private readonly time: Time;
  private readonly random: Random;
  private readonly disk: Disk;
  private readonly fateOf: (key: string) => Fate;
  private readonly snapshotHolds: (pin: PostgresPin) => boolean;

  constructor(
    time: Time,
    random: Random,
    disk: Disk,
    fateOf: (key: string) => Fate,
    snapshotHolds: (pin: PostgresPin) => boolean,
  ) {
    this.time = time;
    this.random = random;
    this.disk = disk;
    this.fateOf = fateOf;
    this.snapshotHolds = snapshotHolds;
  }

  /** Kills and restarts Livy; its drivers continue without it. */
  forget(): void {
    this.batches = new Map();
  }

  /** Kills a running driver. */
  killOne(): void {
    const alive = this.applications.filter((app) => app.until === undefined);
    const app = alive[Math.floor(this.random() * alive.length)];
    if (app) this.finish(app, 'FINISHED');
  }

  readonly livy: BatchBackend = {
    traits,
    check: async () => undefined,
    capacity,
    submit: async (job, key) => {
      if (!this.batches.has(key)) this.spawn(job as SimulatedJob, key);
      return { key, id: key };
    },
    find: async (key) => (this.batches.has(key) || this.latest(key) ? { key, id: key } : undefined),
    observe: async ({ key }) => this.observe(key),
    cancel: async ({ key }) => {
      for (const app of this.applications) if (app.key === key && app.until === undefined) this.finish(app, 'KILLED');
      const driver = this.batches.get(key);
      if (driver?.state === 'running') driver.state = 'dead';
    },
    logs: async ({ key }) => this.batches.get(key)?.log ?? [],
  };

  private latest(key: string): Application | undefined {
    return this.applications.findLast((app) => app.key === key);
  }

  private observe(key: string): Observation {
    const driver = this.batches.get(key);
    const app = this.latest(key);
    const seen = app === undefined ? {} : { applicationId: app.id };
    if (app && app.until === undefined) return { state: 'running', ...seen };
    if (driver) {
      if (driver.state === 'running') return { state: 'running', ...seen };
      return { state: driver.state === 'success' ? 'succeeded' : 'failed', detail: 'Livy says dead', ...seen };
    }
    if (!app) return { state: 'pending', unknown: true };
    return {
      state: app.state === 'FINISHED' ? 'succeeded' : 'failed',
      detail: `the master says ${app.state}`,
      ...seen,
    };
  }

  /** A driver starts, claims its key, registers, reads, stages and writes its result; each phase takes time. */
  private spawn(job: SimulatedJob, key: string): void {
    const driver: Driver = { key, state: 'running', log: [] };
    this.batches.set(key, driver);
    const after = (ms: number, next: () => void): void =>
      this.time.at(this.time.now + ms, () => driver.state === 'running' && next());
    after(200 + this.random() * 1500, () => {
      if (this.disk.claims.has(key)) {
        driver.state = 'dead';
        return;
      }
      this.disk.claims.set(key, 'driver');
      after(this.random() * 2000, () => {
        const app: Application = {
          key,
          id: `app-${this.applications.length + 1}`,
          from: this.time.now,
          until: undefined,
          state: 'RUNNING',
        };
        driver.application = app;
        this.applications.push(app);
        after(100 + this.random() * 1500, () => this.read(driver, job, app));
      });
    });
  }

  private read(driver: Driver, job: SimulatedJob, app: Application): void {
    const { key } = driver;
    if (app.until !== undefined) return;
    const leave = (): void => this.end(driver, app, 'dead');
    if (this.disk.revoked.has(key)) {
      leave();
      return;
    }
    const fail = (type: string, message: string): void => {
      this.disk.results.set(key, this.result(key, app, job, { type, message, phase: 'running the SQL' }));
      leave();
    };
    if (!job.pins.every(this.snapshotHolds)) {
      fail('PSQLException', 'invalid snapshot identifier: "1-1"');
      return;
    }
    const fate = this.fateOf(key);
    if (fate === 'never-ends') return;
    this.time.at(this.time.now + 500 + this.random() * 6000, () => {
      if (app.until !== undefined) return;
      const { engine, driverMemory, executorMemory } = job.settings;
      const short = mebibytes(engine === 'embedded' ? driverMemory : executorMemory) < 4096;
      if (fate === 'killed' || this.disk.revoked.has(key)) leave();
      else if (fate === 'bad-sql') fail('AnalysisException', '[UNRESOLVED_COLUMN] nope');
      else if (fate === 'lost-executor') fail('SparkException', 'ExecutorLostFailure (executor 0 exited)');
      else if (fate === 'out-of-memory' && short) fail('OutOfMemoryError', 'aborted due to stage failure: heap space');
      else this.stage(driver, job, app);
    });
  }

  /** Writes half of the locations, then the rest. */
  private stage(driver: Driver, job: SimulatedJob, app: Application): void {
    const half = Math.ceil(job.places.length / 2);
    for (const place of job.places.slice(0, half)) this.disk.staged.set(place, 7);
    this.time.at(this.time.now + this.random() * 300, () => {
      if (app.until !== undefined) return;
      for (const place of job.places.slice(half)) this.disk.staged.set(place, 7);
      this.disk.results.set(driver.key, this.result(driver.key, app, job));
      this.end(driver, app, 'success');
    });
  }

  private result(key: string, app: Application, job: SimulatedJob, error?: RunnerResult['error']): RunnerResult {
    const outputs = job.places.map((place) => ({ view: place, kind: 'parquet' as const, place, rows: 7 }));
    const common = { key, applicationId: app.id, inputs: [...job.read], seconds: {} };
    return error ? { ...common, state: 'failed', outputs: [], error } : { ...common, state: 'succeeded', outputs };
  }

  private end(driver: Driver, app: Application, state: 'success' | 'dead'): void {
    driver.state = state;
    this.finish(app, 'FINISHED');
  }

  private finish(app: Application, state: Application['state']): void {
    app.until = this.time.now;
    app.state = state;
    const driver = this.batches.get(app.key);
    if (driver?.application === app && driver.state === 'running') driver.state = 'dead';
  }
}
