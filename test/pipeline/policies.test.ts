import { describe, expect, test, vi } from 'vitest';
import type { RunEvent } from '../../controller/domain/events.ts';
import { RetryAfterError } from '../../controller/domain/ports/task.ts';
import { Engine } from '../../controller/engine/engine.ts';
import { SluiceError } from '../../controller/lib/errors.ts';
import { dead, done, world } from '../engine/world.ts';
import type { Script } from '../fakes/backend.ts';
import { memoryTaskRunner } from '../fakes/task.ts';
import { profile } from '../planning/profiles.ts';
import { good, load } from './files.ts';

const profiles = { deliveries: profile(), orders: profile() };
const steps = (text: string): string => good.replace(/steps:[\s\S]*notify:/, `steps:\n${text}\nnotify:`);
const spark = 'spark: { sql: marts.sql, executorMemory: 1g }';

describe('the reaction to a failure', () => {
  const failing = (message: string, script: (key: string) => Script, retry = 'maximumAttempts: 5') => {
    const w = world(profiles, script);
    for (let n = 1; n <= 9; n++) {
      const error = { type: 'SparkException', message, phase: 'running the SQL' };
      if (script(`sluice-r1-work-${n}`) === dead) w.results.set(`sluice-r1-work-${n}`, { state: 'failed', error });
    }
    return {
      w,
      run: async () => w.run(await load(steps(`  work: { ${spark}, retry: { ${retry}, initialInterval: 1s } }`))),
    };
  };
  const memory = (events: readonly RunEvent[]) =>
    events.flatMap((event) =>
      event.type === 'attempt-intended' ? [`${event.settings?.executorMemory} ${event.settings?.executorCores}`] : [],
    );

  test('executor memory that ran out is doubled, up to the limit of the cluster, and then shared by fewer tasks', async () => {
    const { run } = failing('aborted due to stage failure: OutOfMemoryError', () => dead, 'maximumAttempts: 9');
    const { state, events } = await run();
    // The cluster of this world has 8192m and two cores.
    expect(memory(events)).toEqual(['1g 2', '2048m 2', '4096m 2', '8192m 2', '8192m 1']);
    expect(state.ended?.state).toBe('failed');
    const remedies = events.flatMap((event) => (event.type === 'retry-scheduled' ? [event.remedy] : []));
    expect(remedies.at(-2)).toBe('executor memory 8192m instead of 4096m, the most this cluster has');
    expect(remedies.at(-1)).toBe("1 instead of 2 tasks at once share an executor's 8192m");
  });

  test('added memory stays when the next attempt fails with another kind', async () => {
    const { w } = failing('OutOfMemoryError in a Lost task', (key) => (key.endsWith('-3') ? done : dead));
    w.results.set('sluice-r1-work-2', {
      state: 'failed',
      error: { type: 'SparkException', message: 'ExecutorLostFailure', phase: 'running the SQL' },
    });
    const { events } = await w.run(await load(steps(`  work: { ${spark}, retry: { initialInterval: 1s } }`)));
    expect(memory(events)).toEqual(['1g 2', '2048m 2', '2048m 2']);
  });

  test('each kind has its own budget, which the pipeline can set', async () => {
    const { run } = failing('ExecutorLostFailure', () => dead, 'maximumAttempts: 5, on: { lost-executor: 2 }');
    const { state } = await run();
    expect(state.steps.work?.attempts).toHaveLength(2);
    const { run: stubborn } = failing('[UNRESOLVED_COLUMN] x', () => dead, 'on: { bad-sql: { maximumAttempts: 3 } }');
    expect((await stubborn()).state.steps.work?.attempts).toHaveLength(3);
  });

  test('the pauses can be set for one kind only', async () => {
    const on = 'on: { lost-executor: { initialInterval: 100s, maximumInterval: 200s } }';
    const { run } = failing(
      'ExecutorLostFailure',
      (key) => (key.endsWith('-2') ? done : dead),
      `maximumAttempts: 5, ${on}`,
    );
    const { state } = await run();
    const [first, second] = state.steps.work?.attempts ?? [];
    expect((second?.startedAt ?? 0) - (first?.ended?.at ?? 0)).toBeGreaterThan(79_000);
  });

  test('lost inputs are measured again, as long as nothing is published', async () => {
    const w = world(profiles);
    const held = [false, true, true];
    Object.assign(w.ports.sourceReader, { isReadable: async () => held.shift() });
    const { state, events } = await w.run(await load(steps(`  work: { ${spark} }`)));
    expect(events.filter((event) => event.type === 'sources-measured')).toHaveLength(2);
    expect(events.filter((event) => event.type === 'inputs-lost')).toHaveLength(1);
    expect(state.ended?.state).toBe('succeeded');
    // Nothing was submitted for the lost rows.
    expect(w.backend.submitted).toEqual(['sluice-r1-work-2']);
  });
});

describe('task steps', () => {
  const asking = (answer: Parameters<typeof memoryTaskRunner>[0]) => {
    const w = world(profiles);
    const taskRunner = memoryTaskRunner(answer);
    Object.assign(w.ports, { taskRunner });
    return { w, taskRunner };
  };
  const text = steps(`  ask: { http: { url: "http://api" }, retry: { maximumAttempts: 4, initialInterval: 1s } }
  go: { needs: [ask], if: steps.ask.body.ready == true && steps.ask.status == 200, ${spark} }
  stay: { needs: [ask], if: '!steps.ask.body.ready', ${spark} }`);

  test('a response decides the next steps, with the reason in the history', async () => {
    const { w } = asking(() => ({ status: 200, body: { ready: true } }));
    const { state } = await w.run(await load(text));
    expect(state.steps.ask?.attempts[0]?.answer).toEqual({ status: 200, body: { ready: true } });
    expect(state.steps.go?.ended?.state).toBe('succeeded');
    expect(state.steps.stay?.ended).toMatchObject({
      state: 'skipped',
      reason: 'steps.ask.body.ready = true, and stay requires !steps.ask.body.ready',
    });
  });

  test('a busy service is retried, not before the time it set, under the same key', async () => {
    let asked = 0;
    const { w, taskRunner } = asking(() => {
      asked += 1;
      if (asked === 1) throw new RetryAfterError('503', 90_000);
      return { status: 200, body: { ready: false } };
    });
    const { state } = await w.run(await load(text));
    expect(taskRunner.keys).toEqual(['sluice-r1-ask', 'sluice-r1-ask']);
    const [first, second] = state.steps.ask?.attempts ?? [];
    expect(first?.failure?.kind).toBe('service-unavailable');
    expect(second?.startedAt).toBeGreaterThanOrEqual(first?.failure?.notBefore ?? Number.POSITIVE_INFINITY);
  });

  test('a service that refuses is not retried; one that never responds runs into the timeout of the step', async () => {
    const refused = asking(() => {
      throw new SluiceError('answered 404', { kind: 'rejected' });
    });
    const { state } = await refused.w.run(await load(text));
    expect(state.ended?.reason).toContain('service-refused after 1 attempt: answered 404');
    const silent = asking(
      ({ signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(new SluiceError('ended', { kind: 'unavailable' }))),
        ),
    );
    const late = await silent.w.run(await load(text));
    expect(late.state.steps.ask?.attempts.map((attempt) => attempt.failure?.kind)).toEqual(['timed-out', 'timed-out']);
  });

  test('a condition that cannot be evaluated fails its step, with the reason', async () => {
    const { w } = asking(() => ({ status: 200, body: 'no JSON' }));
    const { state } = await w.run(await load(text));
    expect(state.steps.go?.ended).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('cannot be evaluated'),
    });
  });
});

describe('the limits of concurrency', () => {
  test('a run has at most as many active steps as its parallelism', async () => {
    const w = world(profiles);
    const names = ['a', 'b', 'c', 'd', 'e'];
    const all = steps(names.map((name) => `  ${name}: { ${spark} }`).join('\n')).replace(
      'steps:',
      'parallelism: 2\nsteps:',
    );
    const { events } = await w.run(await load(all));
    let live = 0;
    let most = 0;
    for (const event of events) {
      if (event.type === 'attempt-intended') most = Math.max(most, ++live);
      if (event.type === 'attempt-ended') live -= 1;
    }
    expect(most).toBe(2);
  });

  test('all runs together have at most maximumApplications; waiting steps report the reason', async () => {
    const w = world(profiles);
    Object.assign(w.ports, { maximumApplications: 1 });
    const pipeline = await load(steps(`  a: { ${spark} }\n  b: { ${spark} }`));
    const { state, events } = await w.run(pipeline);
    expect(state.ended?.state).toBe('succeeded');
    expect(events.find((event) => event.type === 'step-held')).toMatchObject({
      reason: 'concurrency limit reached (1 Spark application)',
    });
  });
});

describe('a run of a pipeline with an earlier active run', () => {
  const behind = async (policy: string) => {
    const w = world(profiles);
    const pipeline = await load(good.replace('steps:', `concurrency: ${policy}\nsteps:`));
    const begin = async (run: string) => {
      const { number, lease } = await w.ports.store.create({
        run,
        pipeline: 'shop',
        at: w.now,
        events: [{ type: 'run-started', run, pipeline, file: 'f' }],
      });
      return new Engine(number, lease, w.ports);
    };
    const [first, second] = [await begin('r1'), await begin('r2')];
    return { w, first, second };
  };

  test('queue: waits until the earlier run has ended', async () => {
    const { first, second } = await behind('queue');
    const waiting = second.execute();
    await vi.waitUntil(() => second.state.queuedBehind);
    expect(second.state).toMatchObject({ queuedBehind: ['r1'] });
    expect(second.state.profiles).toBeUndefined();
    await first.execute();
    expect((await waiting).ended?.state).toBe('succeeded');
  });

  test('skip: is skipped', async () => {
    const { second } = await behind('skip');
    await second.execute();
    expect(second.state.ended).toMatchObject({ state: 'skipped', reason: 'run r1 of this pipeline is in progress' });
  });

  test('replace: cancels the earlier run first', async () => {
    const { first, second } = await behind('replace');
    const waiting = second.execute();
    await vi.waitUntil(() => second.state.queuedBehind);
    first.wake(true);
    expect((await first.execute()).ended).toMatchObject({
      state: 'cancelled',
      reason: 'cancelled by run r2, which replaces it',
    });
    expect((await waiting).ended?.state).toBe('succeeded');
  });

  test('parallel: runs at the same time', async () => {
    const { second } = await behind('parallel');
    expect((await second.execute()).ended?.state).toBe('succeeded');
  });
});
