import type { PostgresPin } from '../../controller/adapters/sources/postgres/driver.ts';
import { pick, type Random, randomOf } from '../../controller/demo/random.ts';
import type { Pipeline } from '../../controller/domain/pipeline.ts';
import type { RunStore } from '../../controller/domain/ports/store.ts';
import { memoryStore } from '../fakes/store.ts';
import { Cluster, type Disk, type Fate } from './cluster.ts';
import { Process, Server } from './network.ts';
import { Api, Mailbox, Sink } from './outside.ts';
import { Time } from './time.ts';
import type { Weakness } from './weaknesses.ts';

/** The start time of a simulated world; only differences matter. Milliseconds since 1970. */
export const beginning = 1_700_000_000_000;
const hour = 3_600_000;

/** Creates the store of a world with the world's clock, in milliseconds since 1970. */
export type StoreOf = (clock: () => number) => RunStore;

/** A planned fault of a process: at its n-th external call, before or after it; a kill, or a stop for some time. */
interface PlannedFault {
  readonly at: number;
  readonly after: boolean;
  readonly stop: number;
}

/** Everything outside the controllers: servers, disks, clocks, and their faults under one seed. */
export class World {
  readonly seed: number;
  readonly random: Random;
  readonly time = new Time();
  readonly store: RunStore;
  readonly disk: Disk = { claims: new Map(), revoked: new Set(), results: new Map(), staged: new Map() };
  readonly sink = new Sink(this.disk);
  readonly mailbox: Mailbox;
  readonly api: Api;
  readonly cluster: Cluster;
  /** Where the embedded engine's processes run. It forgets none of them. */
  readonly machine: Cluster;
  readonly servers: Readonly<Record<'store' | 'livy' | 'sink' | 'smtp' | 'api', Server>>;
  readonly processes: Process[] = [];
  /** Processes by the names under which their controllers register. */
  readonly byName = new Map<string, Process>();
  /** Whether controllers can see that the process of another one is gone. */
  readonly sameMachine: boolean;
  readonly runs = new Map<string, Pipeline>();
  readonly cancelled = new Set<string>();
  readonly faults: Record<string, number> = {};
  /** Errors that no controller expected. */
  readonly unexpectedErrors: string[] = [];
  private readonly plannedFaults = new Map<Process, PlannedFault>();
  private readonly snapshots = new Map<string, Process>();
  /** The number of database restarts, each of which ends its snapshots. */
  private epoch = 0;
  private readonly startController: (process: Process) => void;

  /** The defect of the system, by which it must break its promises. */
  readonly weakness: Weakness;

  constructor(
    seed: number,
    startController: (world: World, process: Process) => void,
    weakness: Weakness = {},
    storeOf: StoreOf = memoryStore,
  ) {
    this.seed = seed;
    this.store = storeOf(() => Math.round(beginning + this.time.now));
    this.weakness = weakness;

    this.random = randomOf(seed, 'schedule');
    this.startController = (process) => startController(this, process);
    const lossy = this.random() < 0.5 ? 0 : 0.02;
    const server = (name: string, slowest = 30_000): Server =>
      new Server(name, this.time, randomOf(seed, name), lossy, slowest);
    this.servers = {
      store: server('store', 3000),
      livy: server('livy'),
      sink: server('sink'),
      smtp: server('smtp'),
      api: server('api'),
    };
    this.mailbox = new Mailbox(randomOf(seed, 'mailbox'));
    this.api = new Api(randomOf(seed, 'api calls'));
    const cluster = (name: string): Cluster =>
      new Cluster(
        this.time,
        randomOf(seed, name),
        this.disk,
        (key) => this.fateOf(key),
        (pin) => this.isReadable(pin),
      );
    this.cluster = cluster('cluster');
    this.machine = cluster('machine');
    this.sameMachine = this.random() < 0.5;
  }

  /** Whether the SQL of a step is wrong, so that it always fails. */
  isBad(run: string, step: string): boolean {
    return randomOf(this.seed, `${run} ${step}`)() < 0.05;
  }

  private fateOf(key: string): Fate {
    const [, run = '', step = ''] = /^sluice-(r\d+)-(\w+)-\d+$/.exec(key) ?? [];
    if (this.isBad(run, step)) return 'bad-sql';
    const chance = randomOf(this.seed, key)();
    if (chance < 0.08) return 'killed';
    if (chance < 0.14) return 'lost-executor';
    if (chance < 0.16) return 'never-ends';
    return randomOf(this.seed, `${run} ${step} memory`)() < 0.1 ? 'out-of-memory' : 'succeeds';
  }

  /** A snapshot of the database, which lasts as long as the process that requested it. */
  snapshot(process: Process): PostgresPin {
    const snapshot = `${this.epoch}-${this.snapshots.size}`;
    this.snapshots.set(snapshot, process);
    return { kind: 'postgres', table: 'orders', snapshot, visible: '', pages: 1 };
  }

  isReadable({ snapshot }: PostgresPin): boolean {
    return this.snapshots.get(snapshot)?.dead === false && snapshot.startsWith(`${this.epoch}-`);
  }

  /** Starts a controller, on a machine whose clock may be off by an hour. */
  start(): void {
    const { random } = this;
    const process = new Process(`c${this.processes.length + 1}`, this.time, Math.round((random() - 0.5) * 2 * hour));
    this.processes.push(process);
    if (this.processes.length < 8 && random() < 0.6) {
      const stop = random() < 0.4 ? 1000 + random() * 20_000 : 0;
      this.plannedFaults.set(process, { at: 5 + Math.floor(random() * 250), after: random() < 0.5, stop });
    }
    this.startController(process);
  }

  /** Kills a process; another one replaces it some time later. */
  kill(process: Process): void {
    if (process.dead) return;
    process.dead = true;
    this.count('controllers killed');
    this.time.at(this.time.now + 500 + this.random() * 8000, () => this.start());
  }

  stop(process: Process, ms: number): void {
    process.stop(ms);
    this.count('controllers stopped');
  }

  /** The same port, whose calls are counted; the process gets its planned fault at the chosen one. */
  counted<P extends object>(process: Process, port: P): P {
    let calls = 0;
    const applyFault = async (): Promise<void> => {
      const { stop = 0 } = this.plannedFaults.get(process) ?? {};
      this.plannedFaults.delete(process);
      if (stop === 0) this.kill(process);
      else this.stop(process, stop);
      await process.sleep(0);
    };
    return new Proxy(port, {
      get: (target, name) => {
        const call = Reflect.get(target, name) as unknown;
        if (typeof call !== 'function') return call;
        return async (...args: unknown[]) => {
          calls += 1;
          const planned = this.plannedFaults.get(process);
          const now = planned?.at === calls;
          if (now && !planned.after) await applyFault();
          const result = await (call as (...args: unknown[]) => Promise<unknown>).apply(target, args);
          if (now && planned.after) await applyFault();
          return result;
        };
      },
    });
  }

  /** Injects a random fault. */
  fault(): void {
    const { random, servers } = this;
    const away = (name: string, server: Server, longest: number): void => {
      this.count(`${name} away`);
      server.goAway(random() * longest);
    };
    pick(random, [
      () => {
        this.count('Livy restarted');
        this.cluster.forget();
        servers.livy.goAway(1000 + random() * 8000);
      },
      () => away('Livy', servers.livy, 40_000),
      () => away('store', servers.store, 12_000),
      () => away('mail server', servers.smtp, 60_000),
      () => away('sink', servers.sink, 10_000),
      () => {
        this.count('drivers killed');
        this.cluster.killOne();
        this.machine.killOne();
      },
      () => {
        this.count('database restarted');
        this.epoch += 1;
        servers.store.goAway(500 + random() * 2000);
        servers.sink.goAway(500 + random() * 2000);
      },
      () => this.kill(pick(random, this.processes)),
      () => this.stop(pick(random, this.processes), 500 + random() * 25_000),
    ])();
  }

  private count(what: string): void {
    this.faults[what] = (this.faults[what] ?? 0) + 1;
  }
}
