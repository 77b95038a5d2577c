/**
 * Sluice's own cost per step: a run of many sequential steps on the memory backend and a real store. Prints one JSON
 * line: milliseconds per step.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { postgresStore } from '../../controller/adapters/store/postgres/store.ts';
import { builtIn } from '../../controller/app/registry.ts';
import { postgresAddress } from '../../controller/config/addresses.ts';
import { loadProject } from '../../controller/config/project.ts';
import { Controller } from '../../controller/engine/controller.ts';
import { pipelineSchema } from '../../controller/pipeline/schema.ts';
import { memoryBackend } from '../fakes/backend.ts';
import { memoryPublisher } from '../fakes/sink.ts';
import { memoryRowChecks, memorySourceReader } from '../fakes/source.ts';
import { memoryTaskRunner } from '../fakes/task.ts';
import { mailsOf } from '../mails.ts';
import { memoryWorkspace } from '../many/workspace.ts';
import { profile } from '../planning/profiles.ts';

const steps = 40;
const [folder = '.'] = process.argv.slice(2);
const project = await loadProject(folder);
const store = await postgresStore(postgresAddress(project, { database: 'sluice' }), {
  name: `bench-${process.pid}`,
});
const pipeline = pipelineSchema(builtIn).parse({
  name: 'steps',
  sources: { orders: { csv: '*.csv', key: 'id', columns: { id: 'bigint' } } },
  branches: [{ name: 'all' }],
  steps: Object.fromEntries(
    Array.from({ length: steps }, (_, i) => [
      `step-${i}`,
      { spark: { sql: 'x.sql' }, ...(i === 0 ? {} : { needs: [`step-${i - 1}`] }) },
    ]),
  ),
});
const controller = new Controller({
  store,
  now: () => Math.round(performance.now()),
  sleep: (ms) => sleep(ms),
  newName: () => `bench/${process.pid}/${Math.random()}`,
  isProcessGone: async () => false,
});
await controller.open();
const run = `bench-${process.pid}`;
const { number, lease } = await store.create({
  run,
  pipeline: pipeline.name,
  at: Date.now(),
  events: [{ type: 'run-started', run, pipeline, file: 'f' }],
  owner: controller.owner,
});
const backend = memoryBackend(() => [{ state: 'succeeded', applicationId: 'app-1' }]);
const started = performance.now();
const state = await controller.execute(number, lease, {
  sourceReader: memorySourceReader({ orders: profile() }),
  checkRows: memoryRowChecks,
  backend,
  embedded: backend,
  taskRunner: memoryTaskRunner(() => ({ body: {} })),
  publisher: memoryPublisher(() => 0),
  store,
  workspace: memoryWorkspace,
  maximumApplications: undefined,
  report: async () => ({ file: '', url: '', figures: [] }),
  messages: (name, at) => mailsOf(name, at),
  sleep: (ms) => sleep(ms),
  onUpdate: () => undefined,
});
const ms = (performance.now() - started) / steps;
await controller.close();
await store.close();
if (state.ended?.state !== 'succeeded') throw new Error(`the run ${state.ended?.state}: ${state.ended?.reason}`);
process.stdout.write(`${JSON.stringify({ ms })}\n`);
