import type { Retried, RunEvent } from '../../controller/domain/events.ts';
import type { Pipeline } from '../../controller/domain/pipeline.ts';
import type { SparkSettings } from '../../controller/domain/plan.ts';
import type { BatchBackend } from '../../controller/domain/ports/backend.ts';
import type { Workspace } from '../../controller/domain/ports/workspace.ts';
import type { Profile } from '../../controller/domain/profile.ts';
import type { RunnerResult } from '../../controller/domain/result.ts';
import type { RunState } from '../../controller/domain/state.ts';
import { Engine } from '../../controller/engine/engine.ts';
import type { Ports, RunUpdate } from '../../controller/engine/ports.ts';
import { SluiceError } from '../../controller/lib/errors.ts';
import { memoryBackend, type Script } from '../fakes/backend.ts';
import { memoryPublisher } from '../fakes/sink.ts';
import { memoryRowChecks, memorySourceReader } from '../fakes/source.ts';
import { memoryStore } from '../fakes/store.ts';
import { memoryTaskRunner } from '../fakes/task.ts';
import { mailsOf } from '../mails.ts';

/** A world of fakes in memory, in which a whole run takes no time: the clock moves when the engine sleeps. */
export interface World {
  readonly ports: Ports;
  readonly backend: ReturnType<typeof memoryBackend>;
  readonly publisher: ReturnType<typeof memoryPublisher>;
  readonly updates: RunUpdate[];
  now: number;
  /** The runner's result by key; a reconciling success unless set. */
  results: Map<string, Partial<RunnerResult>>;
  /** Tells the engine that another process has appended an event. */
  wake(): void;
  /** Runs a pipeline to its end. */
  run(pipeline: Pipeline, name?: string, retries?: Retried): Promise<{ state: RunState; events: RunEvent[] }>;
}

export const done: Script = [
  { state: 'pending' },
  { state: 'running', applicationId: 'app-1' },
  { state: 'succeeded', applicationId: 'app-1' },
];
export const dead: Script = [
  { state: 'running', applicationId: 'app-1' },
  { state: 'failed', detail: 'Livy says dead' },
];

export function world(profiles: Record<string, Profile>, scriptOf: (key: string) => Script = () => done): World {
  const backend = memoryBackend((_job, key) => scriptOf(key));
  const publisher = memoryPublisher(() => 7);
  const store = memoryStore(() => made.now);
  const updates: RunUpdate[] = [];
  const results: World['results'] = new Map();

  const workspace: Workspace = {
    prepare: async (_pipeline, _step, attempt) => ({
      spec: 'job.json',
      settings: attempt.settings as SparkSettings,
      properties: {},
      secretFiles: [],
      labels: {},
    }),
    async result(_step, attempt) {
      const set = results.get(attempt.key);
      if (!set && scriptOf(attempt.key).at(-1)?.state !== 'succeeded') return undefined;
      const inputs = Object.entries(profiles).map(([name, { measures }]) => ({
        name,
        read: measures.rows,
        valid: measures.valid,
        quarantined: measures.invalid,
        reasons: {},
      }));
      return { key: attempt.key, state: 'succeeded', applicationId: 'app-1', inputs, outputs: [], seconds: {}, ...set };
    },
    staged: (pipeline, step, attempt) =>
      (pipeline.steps[step]?.outputs ?? []).map((output) => ({
        kind: 'parquet',
        target: String(output.parquet ?? 'other'),
        key: attempt.key,
        views: output.views.map((view) => ({ view, place: `${attempt.key}/${view}`, rows: 7 })),
      })),
    revoke: async (_step, attempt) => !backend.submitted.includes(attempt.key),
    removeSecrets: async () => undefined,
    watchResult: () => () => undefined,
    adoptInputs: async (_from, profiles) => profiles,
    removeInputs: async () => undefined,
    remove: async () => undefined,
  };

  const made: World = {
    backend,
    publisher,
    updates,
    results,
    now: 1_000_000,
    wake: () => undefined,
    ports: {
      checkRows: memoryRowChecks,
      sourceReader: memorySourceReader(profiles),
      backend,
      embedded: backend,
      taskRunner: memoryTaskRunner(() => ({ body: {} })),
      maximumApplications: undefined,
      publisher,
      store,
      workspace,
      report: async () => ({ file: '/report', url: 'file:///report', figures: [{ name: 'Orders', value: '5' }] }),
      messages: (run, state) => mailsOf(run, state),
      now: () => made.now,
      sleep: async (ms, signal) => {
        // Time moves only when nothing else can happen.
        await new Promise((resolve) => setImmediate(resolve));
        if (!signal?.aborted) made.now += ms;
      },
      onUpdate: (each) => updates.push(each),
    },
    async run(pipeline, name = 'r1', retries?) {
      const { number, lease } = await store.create({
        run: name,
        pipeline: pipeline.name,
        at: made.now,
        events: [{ type: 'run-started', run: name, pipeline, file: 'shop.yaml', ...(retries && { retries }) }],
      });
      const engine = new Engine(number, lease, made.ports);
      made.wake = () => engine.wake(true);
      const state = await engine.execute();
      return { state, events: (await store.history(name)).map((record) => record.event) };
    },
  };
  return made;
}

/** The same backend, whose calls fail as specified before they reach it. */
export function failing(
  backend: BatchBackend,
  faults: Partial<Record<keyof BatchBackend, (n: number) => SluiceError | undefined>>,
): BatchBackend {
  const counts = new Map<string, number>();
  const call = <K extends keyof BatchBackend>(name: K): BatchBackend[K] =>
    (async (...args: never[]) => {
      const n = (counts.get(name) ?? 0) + 1;
      counts.set(name, n);
      const fault = faults[name]?.(n);
      if (fault) throw fault;
      return (backend[name] as (...args: never[]) => unknown)(...args);
    }) as unknown as BatchBackend[K];
  return {
    traits: backend.traits,
    check: call('check'),
    capacity: call('capacity'),
    submit: call('submit'),
    find: call('find'),
    observe: call('observe'),
    cancel: call('cancel'),
    logs: call('logs'),
  };
}

export const unavailable = (): SluiceError =>
  new SluiceError('http://livy does not answer (ECONNREFUSED)', { kind: 'unavailable' });
