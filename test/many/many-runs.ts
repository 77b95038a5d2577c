import { setTimeout as sleep } from 'node:timers/promises';
import { postgresStore } from '../../controller/adapters/store/postgres/store.ts';
import { builtIn } from '../../controller/app/registry.ts';
import type { PostgresAddress } from '../../controller/config/addresses.ts';
import { Controller } from '../../controller/engine/controller.ts';
import type { Ports } from '../../controller/engine/ports.ts';
import { Worker } from '../../controller/engine/worker.ts';
import { pipelineSchema } from '../../controller/pipeline/schema.ts';
import { memoryBackend } from '../fakes/backend.ts';
import { memoryPublisher } from '../fakes/sink.ts';
import { memoryRowChecks, memorySourceReader } from '../fakes/source.ts';
import { memoryTaskRunner } from '../fakes/task.ts';
import { mailsOf } from '../mails.ts';
import { profile } from '../planning/profiles.ts';
import { memoryWorkspace } from './workspace.ts';

/** One controller that executes many runs at once: a real store, and a backend in memory whose jobs take `jobMs`. */
const { address, runs, jobMs } = JSON.parse(process.argv[2] ?? '{}') as {
  address: PostgresAddress;
  runs: number;
  jobMs: number;
};
const project = `many-${process.pid}`;
const store = await postgresStore(address, { name: project });
const pipeline = pipelineSchema(builtIn).parse({
  name: project,
  sources: { orders: { csv: 'orders.csv', key: 'id', columns: { id: 'bigint' } } },
  branches: [{ name: 'all' }],
  steps: { work: { spark: { sql: 'x.sql' }, outputs: [{ parquet: 'out', views: ['result'] }] } },
  concurrency: 'parallel',
});
for (let n = 1; n <= runs; n++) {
  const run = `${project}-${n}`;
  await store.create({
    run,
    pipeline: project,
    at: Date.now(),
    events: [{ type: 'run-started', run, pipeline, file: 'f' }],
  });
}

const beganAt = new Map<string, number>();
const endless = memoryBackend(() => []);
const backend: typeof endless = {
  ...endless,
  async observe({ key }) {
    const began = beganAt.get(key) ?? Date.now();
    beganAt.set(key, began);
    return { state: Date.now() - began < jobMs ? 'running' : 'succeeded', applicationId: 'app-1' };
  },
};
const profiles = { orders: profile() };
const controller = new Controller({
  store,
  now: () => Math.round(performance.now()),
  sleep: (ms) => sleep(ms),
  newName: () => `many/${process.pid}/${Math.random()}`,
  isProcessGone: async () => false,
});
await controller.open();
const ports: Omit<Ports, 'now'> = {
  checkRows: memoryRowChecks,
  sourceReader: memorySourceReader(profiles),
  backend,
  embedded: backend,
  taskRunner: memoryTaskRunner(() => ({ body: {} })),
  publisher: memoryPublisher(() => 0),
  store,
  workspace: memoryWorkspace,
  maximumApplications: undefined,
  report: async () => ({ file: '', url: '', figures: [] }),
  messages: (run, state) => mailsOf(run, state),
  sleep: (ms) => sleep(ms),
  onUpdate: () => undefined,
};
let mostAtOnce = 0;
let rss = 0;
const worker = new Worker(
  {
    claimOrphanedRuns: (limit, except) => controller.claimOrphanedRuns(limit, except),
    execute: ({ number, lease, from }) => controller.execute(number, lease, ports, from),
    sleep: (ms) => sleep(ms),
    now: () => controller.now(),
  },
  () => undefined,
);
const [startedAt, cpuBefore] = [performance.now(), process.cpuUsage()];
worker.start(runs);
let steady: { cores: number } | undefined;
let followed = { at: 0, cpu: 0 };
for (;;) {
  await sleep(200);
  rss = Math.max(rss, process.memoryUsage.rss());
  mostAtOnce = Math.max(mostAtOnce, worker.size);
  // Measures the cost of polling while all runs are active and none starts or ends.
  const all = beganAt.size === runs && worker.size === runs;
  const { user, system } = process.cpuUsage();
  if (all && followed.at === 0) followed = { at: performance.now(), cpu: user + system };
  if (all && followed.at > 0 && performance.now() - followed.at > 1000)
    steady = { cores: (user + system - followed.cpu) / 1000 / (performance.now() - followed.at) };
  // The lists that this program requests are not the controller's memory, so they are requested only at the end.
  if (beganAt.size < runs || worker.size > 0) continue;
  if ((await store.list({ pipeline: project, states: ['succeeded'], limit: runs })).length === runs) break;
}
const ms = performance.now() - startedAt;
const { user, system } = process.cpuUsage(cpuBefore);
process.stdout.write(
  `${JSON.stringify({ runs, mostAtOnce, seconds: ms / 1000, cores: (user + system) / 1000 / ms, steadyCores: steady?.cores ?? null, rssMb: rss / 2 ** 20 })}\n`,
);
await worker.stop();
await controller.close();
await store.close();
