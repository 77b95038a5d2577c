import { afterAll, expect, test } from 'vitest';
import type { RunEvent } from '../../../controller/domain/events.ts';
import type { RunState } from '../../../controller/domain/state.ts';
import { job } from '../../contract/jobs.ts';
import { dead, type World, world } from '../../engine/world.ts';
import type { Fault, Question } from '../../fakes/http.ts';
import { type FakeSpark, fakeSpark } from '../../fakes/spark.ts';
import { good, load } from '../../pipeline/files.ts';
import { profile } from '../../planning/profiles.ts';

/** How many times faster than real time the engine's clock runs. */
const speed = 20;
const alone = good.replace('    fallback: poorer\n', '').replace(/ {2}poorer:\n.*\n/, '');
const open: FakeSpark[] = [];
afterAll(() => Promise.all(open.map((each) => each.close())));

interface Play {
  readonly w: World;
  readonly spark: FakeSpark;
  /** Lets the runner succeed. */
  finish(): void;
  run(retry?: string): Promise<{ state: RunState; events: RunEvent[] }>;
  /** Resolves when the history has this event, `times` times. */
  noted(type: RunEvent['type'], times?: number): Promise<void>;
}

/** A run in memory, with fakes of Livy and Spark behind HTTP. */
async function play(): Promise<Play> {
  const w = world({ deliveries: profile(), orders: profile() }, () => dead);
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const spark = await fakeSpark({
    drivers: {
      async 'job.json'({ name = '' }, stop) {
        await Promise.race([finished, new Promise((resolve) => stop.addEventListener('abort', resolve))]);
        if (!stop.aborted) w.results.set(name, { state: 'succeeded' });
      },
    },
  });
  open.push(spark);
  const { workspace } = w.ports;
  const began = Date.now();
  const now = (): number => began + (Date.now() - began) * speed;
  Object.defineProperty(w, 'now', { get: now });
  Object.assign(w.ports, {
    backend: spark.backend(),
    workspace: {
      ...workspace,
      prepare: async (...asked: Parameters<typeof workspace.prepare>) => ({
        ...(await workspace.prepare(...asked)),
        jar: 'local:/runner.jar',
      }),
    },
    now,
    sleep: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms / speed);
        signal?.addEventListener('abort', () => resolve(clearTimeout(timer)));
      }),
  });
  return {
    w,
    spark,
    finish,
    run: async (retry = '') => w.run(await load(alone.replace('    outputs:', `${retry}    outputs:`))),
    noted: (type, times = 1) =>
      expect
        .poll(() => w.updates.filter((each) => each.kind === 'event' && each.record.event.type === type).length, {
          interval: 2,
          timeout: 20_000,
        })
        .toBeGreaterThanOrEqual(times),
  };
}

/** One attempt and one application: the fault cost only time. */
function expectUntouched({ state, events }: Awaited<ReturnType<Play['run']>>, { spark }: Play): void {
  expect(state.ended).toMatchObject({ state: 'succeeded' });
  expect(events.filter(({ type }) => type === 'attempt-intended')).toHaveLength(1);
  expect(spark.master.applications).toMatchObject([{ state: 'FINISHED' }]);
}
const waits = (events: readonly RunEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'attempt-waiting' ? [event.what] : []));

test('a run whose submission lost its response has one batch, one attempt and one application', async () => {
  const it = await play();
  let lost = 0;
  it.spark.livy.fault = ({ method }: Question): Fault | undefined =>
    method === 'POST' && lost++ === 0 ? 'lose-answer' : undefined;
  it.finish();
  const said = await it.run();
  expectUntouched(said, it);
  expect(waits(said.events)).toEqual([expect.stringMatching(/POST \/batches: the connection broke/)]);
});

test('a run waits for a gateway that refuses connections, at the submission and while Spark computes', async () => {
  const it = await play();
  await it.spark.livy.close();
  const running = it.run();
  await it.noted('attempt-waiting');
  await it.spark.livy.open();
  await it.noted('application-found');
  await it.spark.livy.close();
  await it.noted('attempt-waiting', 2);
  it.finish();
  await it.spark.livy.open();
  const said = await running;
  expectUntouched(said, it);
  for (const what of waits(said.events)) expect(what).toMatch(/does not answer \(ECONNREFUSED\)/);
  expect(said.events.filter(({ type }) => type === 'attempt-reached')).toHaveLength(2);
});

test('a run fails with the reason when the gateway is unavailable for longer than the timeout of its step', async () => {
  const it = await play();
  const running = it.run('    retry: { patience: 4s }\n');
  await it.noted('application-found');
  await it.spark.livy.close();
  const { state, events } = await running;
  expect(state.ended?.state).toBe('failed');
  expect(events.flatMap((event) => (event.type === 'attempt-ended' ? [event.failure?.kind] : []))).toEqual([
    'gateway-unavailable',
  ]);
});

test('a run waits after each unreadable response, and then continues', async () => {
  const it = await play();
  const running = it.run();
  await it.noted('application-found');
  const faults: [Fault, RegExp][] = [
    [{ status: 200, body: '<html>Sign in</html>' }, /answered with no JSON: <html>Sign in/],
    [{ status: 502, body: 'no upstream' }, /answered with 502 no upstream/],
    [{ status: 200, body: '{"id": 0, "sta' }, /answered with no JSON: \{"id": 0, "sta/],
    ['break', /the connection broke/],
  ];
  for (const [n, [fault]] of faults.entries()) {
    it.spark.livy.fault = () => fault;
    await it.noted('attempt-waiting', n + 1);
    it.spark.livy.fault = () => undefined;
    await it.noted('attempt-reached', n + 1);
  }
  it.finish();
  const said = await running;
  expectUntouched(said, it);
  expect(waits(said.events)).toEqual(faults.map(([, says]) => expect.stringMatching(says)));
});

test('a run whose Livy was killed is followed by its key, although another batch has its id afterwards', async () => {
  const it = await play();
  const running = it.run();
  await it.noted('application-found');
  await it.spark.livy.crash();
  await it.spark.livy.open();
  const stranger = await it.spark.backend().submit(job('job.json'), 'stranger');
  expect(stranger.id).toBe('0');
  const looks = () => it.spark.livy.requests.filter((asked) => asked.startsWith('GET /batches/')).length;
  const before = looks();
  await expect.poll(looks, { interval: 2 }).toBeGreaterThan(before + 1);
  it.finish();
  const { state, events } = await running;
  expect(state.ended).toMatchObject({ state: 'succeeded' });
  expect(events.filter(({ type }) => type === 'attempt-intended')).toHaveLength(1);
  expect(await it.spark.backend().find('stranger')).toEqual(stranger);
});
