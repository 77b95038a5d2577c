import type { PostgresPin } from '../../controller/adapters/sources/postgres/driver.ts';
import { randomOf } from '../../controller/demo/random.ts';
import type { Pipeline, Source } from '../../controller/domain/pipeline.ts';
import type { SourceReader } from '../../controller/domain/ports/source.ts';
import type { Workspace } from '../../controller/domain/ports/workspace.ts';
import type { Pin } from '../../controller/domain/profile.ts';
import { Controller } from '../../controller/engine/controller.ts';
import { dispatchOutbox } from '../../controller/engine/dispatcher.ts';
import { cleanUp } from '../../controller/engine/janitor.ts';
import { ConcurrencyConflictError, StoreUnavailableError } from '../../controller/engine/journal.ts';
import type { Ports } from '../../controller/engine/ports.ts';
import { Worker } from '../../controller/engine/worker.ts';
import { SluiceError } from '../../controller/lib/errors.ts';
import type { Engines } from '../../controller/planning/engine.ts';
import { memoryRowChecks } from '../fakes/source.ts';
import { mailsOf } from '../mails.ts';
import { profile } from '../planning/profiles.ts';
import type { Disk, SimulatedJob } from './cluster.ts';
import type { Process, Server } from './network.ts';
import type { World } from './world.ts';

/** Starts a controller like `sluice serve`, in a process of a simulated world. */
export function startController(world: World, process: Process): void {
  const { servers, weakness } = world;
  const { publisher: inner } = world.sink;
  const reached = <P extends object>(server: Server, port: P): P =>
    world.counted(process, server.reached(process, port));
  const store = reached(servers.store, weakness.store?.(world.store) ?? world.store);
  const backend = reached(servers.livy, weakness.backend?.(world.cluster.livy) ?? world.cluster.livy);
  const inProcess = weakness.backend?.(world.machine.livy) ?? world.machine.livy;
  const embedded = world.counted(process, inProcess);
  const publisher = reached(servers.sink, weakness.publisher?.(inner, world.sink) ?? inner);
  const disk = workspaceOf(world.disk, process);
  const workspace = weakness.workspace?.(disk) ?? disk;
  let names = 0;
  const controller = new Controller({
    store,
    now: () => process.now(),
    sleep: (ms) => process.sleep(ms),
    newName: () => {
      names += 1;
      world.byName.set(`${process.name}/${names}`, process);
      return `${process.name}/${names}`;
    },
    isProcessGone: async (owner) => world.sameMachine && world.byName.get(owner)?.dead === true,
  });
  const ports: Omit<Ports, 'now'> = {
    checkRows: memoryRowChecks,
    sourceReader: sourceReaderOf(world, process),
    // Assumed resources would change the plan; waits.test.ts covers that case.
    backend: { ...backend, capacity: world.cluster.livy.capacity },
    embedded,
    engines: async (pipeline) => enginesOf(pipeline, world.seed),
    taskRunner: servers.api.reached(process, weakness.taskRunner?.(world.api) ?? world.api),
    publisher,
    store,
    workspace,
    maximumApplications: 3,
    report: async () => ({ file: '/r', url: 'file:///r', figures: [] }),
    messages: (run, state) => mailsOf(run, state),
    sleep: (ms) => process.sleep(ms),
    onUpdate: () => undefined,
  };
  const worker = new Worker(
    {
      claimOrphanedRuns: (limit, except) => controller.claimOrphanedRuns(limit, except),
      execute: ({ number, lease, from }) => controller.execute(number, lease, ports, from),
      sleep: (ms) => process.sleep(ms),
      now: () => controller.now(),
    },
    (_run, update) => {
      if (update.kind === 'note' && update.text.startsWith('left alone'))
        world.unexpectedErrors.push(`${process.name}: ${update.text}`);
    },
  );

  const tolerated = async (work: () => Promise<unknown>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      if (
        !(
          error instanceof SluiceError ||
          error instanceof StoreUnavailableError ||
          error instanceof ConcurrencyConflictError
        )
      )
        world.unexpectedErrors.push(`${process.name}: ${(error as Error).stack}`);
      return false;
    }
  };
  const every = async (ms: number, work: () => Promise<unknown>): Promise<never> => {
    for (;;) {
      await tolerated(work);
      await process.sleep(ms);
    }
  };
  void (async () => {
    // A controller that cannot reach the store at its start is restarted.
    while (!(await tolerated(() => controller.open()))) await process.sleep(300);
    worker.start(10);
    const smtp = servers.smtp.reached(process, world.mailbox);
    void every(1000, () => dispatchOutbox(store, smtp, controller.owner));
    void every(20_000, () => cleanUp({ store, backend, embedded, publisher, workspaceOf: () => workspace }));
  })();
}

function sourceReaderOf(world: World, process: Process): SourceReader {
  const reader = {
    async profile() {
      await process.sleep(50 + world.random() * 300);
      if (world.servers.sink.away) throw new SluiceError('the database is away', { kind: 'unavailable' });
      return { ...profile(), pin: world.snapshot(process) };
    },
    isReadable: async (_source: Source, pin: Pin) => world.isReadable(pin as PostgresPin),
    close: async () => undefined,
  };
  return reader;
}

/** The workspace on the shared disk. */
function workspaceOf(disk: Disk, process: Process): Workspace {
  const place = (key: string, view: string): string => `${key}/${view}`;
  return {
    async prepare(pipeline, step, attempt, pins): Promise<SimulatedJob> {
      if (!attempt.settings) throw new TypeError('no Spark step');
      const views = (pipeline.steps[step]?.outputs ?? []).flatMap((output) => output.views);
      return {
        spec: 'job.json',
        settings: attempt.settings,
        properties: {},
        secretFiles: [],
        labels: {},
        places: views.map((view) => place(attempt.key, view)),
        pins: Object.values(pins) as PostgresPin[],
        read: Object.keys(pins).map((name) => ({ name, read: 100, valid: 100, quarantined: 0, reasons: {} })),
      };
    },
    async result(_step, attempt) {
      await process.sleep(0);
      return disk.results.get(attempt.key);
    },
    staged: (pipeline, step, attempt) =>
      (pipeline.steps[step]?.outputs ?? []).map((output) => ({
        kind: 'parquet',
        target: String(output.parquet ?? 'other'),
        key: attempt.key,
        views: output.views.map((view) => ({ view, place: place(attempt.key, view), rows: attempt.result ? 7 : 0 })),
      })),
    async revoke(_step, attempt) {
      await process.sleep(0);
      disk.revoked.add(attempt.key);
      if (!disk.claims.has(attempt.key)) disk.claims.set(attempt.key, 'controller');
      return disk.claims.get(attempt.key) === 'controller';
    },
    removeSecrets: async () => undefined,
    watchResult: () => () => undefined,
    adoptInputs: async (_from, profiles) => profiles,
    removeInputs: async () => undefined,
    remove: async () => undefined,
  };
}

/** About half of the steps are on the embedded engine; some of them may go to Spark when it fails. */
function enginesOf(pipeline: Pipeline, seed: number): Engines {
  const proof = { pair: 'pair', equal: 0, proven: true };
  const steps = Object.entries(pipeline.steps).flatMap(([name, { spark }]) => {
    const dice = randomOf(seed, `engine of ${name}`)();
    const asked = dice < 0.25 ? ('auto' as const) : ('embedded' as const);
    return spark && dice < 0.5 ? [[name, { asked, problem: undefined, proof }] as const] : [];
  });
  return { machine: { cores: 2, largestMb: 8192 }, steps: Object.fromEntries(steps) };
}
