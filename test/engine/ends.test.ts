import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../controller/domain/events.ts';
import { RetryAfterError } from '../../controller/domain/ports/task.ts';
import { fold } from '../../controller/domain/state.ts';
import { Engine } from '../../controller/engine/engine.ts';
import type { Ports } from '../../controller/engine/ports.ts';
import { SluiceError } from '../../controller/lib/errors.ts';
import { nextActions } from '../../controller/machine/machine.ts';
import { makePlan } from '../../controller/planning/plan.ts';
import { memoryTaskRunner } from '../fakes/task.ts';
import { good, load } from '../pipeline/files.ts';
import { profile } from '../planning/profiles.ts';
import { type World, world } from './world.ts';

const profiles = { deliveries: profile(), orders: profile() };
const mailed = good.replace('on: [failed]', 'on: [succeeded, degraded, failed, cancelled]');
const alone = mailed.replace('    fallback: poorer\n', '').replace(/ {2}poorer:\n.*\n/, '');
const steps = (text: string): string => alone.replace(/steps:[\s\S]*notify:/, `steps:\n${text}\nnotify:`);
const count = (events: readonly RunEvent[], type: RunEvent['type']): number =>
  events.filter((event) => event.type === type).length;

/** A world in which an external call throws an unexpected error, `times` times. */
function buggy(port: keyof Ports, call: string | undefined, times = Number.POSITIVE_INFINITY): World {
  const w = world(profiles);
  let left = times;
  const fail = (): void => {
    left -= 1;
    if (left >= 0)
      throw new TypeError('Cannot read properties of undefined (at http://user:hunter2@host/?token=hunter2)');
  };
  const whole = w.ports[port] as never as Record<string, (...args: never[]) => unknown>;
  const failing =
    (inner: (...args: never[]) => unknown) =>
    (...args: never[]): unknown => {
      fail();
      return inner(...args);
    };
  const broken =
    call === undefined
      ? failing(whole as never)
      : { ...whole, [call]: failing((whole[call] as (...args: never[]) => unknown).bind(whole)) };
  Object.assign(w.ports, { [port]: broken });
  return w;
}

describe('a run whose controller fails with an unexpected error', () => {
  test.each([
    ['measuring', 'sourceReader', 'profile'],
    ['reviewing the rows', 'checkRows', undefined],
    ['asking for the cluster', 'backend', 'capacity'],
    ['preparing a job', 'workspace', 'prepare'],
    ['submitting', 'backend', 'submit'],
    ['observing', 'backend', 'observe'],
    ['looking at the result', 'workspace', 'result'],
    ['publishing', 'publisher', 'publish'],
  ] as const)(
    'while %s ends as failed, with its mail and the reason, and leaves no application alive',
    async (_what, port, call) => {
      const w = buggy(port, call);
      const { state, events } = await w.run(await load(alone));
      expect(state.ended).toMatchObject({ state: 'failed', reason: expect.stringContaining('Cannot read properties') });
      expect(count(events, 'controller-failed')).toBe(3);
      expect(JSON.stringify(events)).not.toContain('hunter2');
      expect((await w.ports.store.due()).map(({ message }) => message.event)).toEqual(['failed']);
      for (const attempt of state.steps.marts?.attempts ?? []) expect(attempt.ended).toBeDefined();
    },
  );

  test('at two steps in succession ends as failed as well', async () => {
    const w = world(profiles);
    let asked = 0;
    const observe = async (): Promise<never> => {
      asked += 1;
      for (let n = 0; n < asked % 7; n++) await undefined;
      throw new TypeError('Cannot read properties of undefined');
    };
    Object.assign(w.ports, { backend: { ...w.ports.backend, observe } });
    const three = ['a', 'b', 'c'].map((name) => `  ${name}: { spark: { sql: marts.sql } }`).join('\n');
    expect((await w.run(await load(steps(three)))).state.ended?.state).toBe('failed');
  });

  test('once continues, and succeeds', async () => {
    const { state, events } = await buggy('backend', 'submit', 1).run(await load(alone));
    expect(state.ended?.state).toBe('succeeded');
    expect(count(events, 'controller-failed')).toBe(1);
  });

  test('and that cannot end its applications either ends nevertheless', async () => {
    const w = buggy('backend', 'observe');
    Object.assign(w.ports.backend, { cancel: () => Promise.reject(new TypeError('this neither')) });
    const { state } = await w.run(await load(alone));
    expect(state.ended?.state).toBe('failed');
  });

  test('and that cannot render its mail ends with a shorter one', async () => {
    const w = world(profiles);
    const { messages } = w.ports;
    const rendered: Ports['messages'] = (run, state) => {
      if (state.plan) throw new TypeError('no mail');
      return messages(run, state);
    };
    Object.assign(w.ports, { messages: rendered });
    expect((await w.run(await load(alone))).state.ended?.state).toBe('succeeded');
    expect((await w.ports.store.due()).map(({ message }) => message.event)).toEqual(['succeeded']);
  });

  test('lets the run queued behind it continue', async () => {
    const w = buggy('publisher', 'publish', 3);
    const pipeline = await load(alone);
    const first = w.run(pipeline, 'r1');
    expect((await w.run(pipeline, 'r2')).state.ended?.state).toBe('succeeded');
    expect((await first).state.ended?.state).toBe('failed');
  });
});

/** A run that earlier controllers owned; `events` is its history from there. */
async function inherited(w: World, events: readonly RunEvent[]): Promise<Engine> {
  const pipeline = await load(alone);
  const { number, lease } = await w.ports.store.create({
    run: 'r1',
    pipeline: 'shop',
    at: w.now,
    events: [{ type: 'run-started', run: 'r1', pipeline, file: 'f' }, ...events],
  });
  return new Engine(number, lease, w.ports);
}

test('errors of different controllers are counted together: a run that fails on all of them ends', async () => {
  const w = buggy('sourceReader', 'profile', 1);
  const failed: RunEvent = { type: 'controller-failed', reason: 'the same' };
  const taken: RunEvent = { type: 'taken-over', by: 'b', from: 'a' };
  const { ended } = await (await inherited(w, [failed, taken, failed, taken])).execute();
  expect(ended).toMatchObject({ state: 'failed', reason: expect.stringContaining('3 times') });
});

test('a run whose sources kill one controller after the other is given up', async () => {
  const taken: RunEvent = { type: 'taken-over', by: 'b', from: 'a' };
  const lost = await inherited(
    world(profiles),
    Array.from({ length: 5 }, () => [{ type: 'measuring' } as const, taken]).flat(),
  );
  expect((await lost.execute()).ended).toMatchObject({
    state: 'failed',
    reason: '5 controllers died while measuring the sources',
  });
});

test('a run that waited for its turn to be measured while controllers were replaced is not given up', async () => {
  const taken: RunEvent = { type: 'taken-over', by: 'b', from: 'a' };
  const w = world(profiles);
  const others = Array.from({ length: 9 }, () => taken);
  const waited = await inherited(w, [...others, { type: 'measuring' }, ...others]);
  expect(await waited.execute()).toMatchObject({ lostWhileMeasuring: 1, ended: { state: 'succeeded' } });
});

test('a run that only waited in the queue while controllers were replaced is not given up', async () => {
  const taken: RunEvent = { type: 'taken-over', by: 'b', from: 'a' };
  const w = world(profiles);
  const waited = await inherited(w, [{ type: 'queued', behind: ['r0'] }, ...Array.from({ length: 9 }, () => taken)]);
  expect((await waited.execute()).ended?.state).toBe('succeeded');
});

test('a run that waits for a source while controllers are replaced is not given up', async () => {
  const taken: RunEvent = { type: 'taken-over', by: 'b', from: 'a' };
  const waits: RunEvent = { type: 'sources-waiting', what: 'nothing answers' };
  const waiting = await inherited(world(profiles), [waits, ...Array.from({ length: 9 }, () => taken)]);
  expect((await waiting.execute()).ended?.state).toBe('succeeded');
});

test('lost inputs are not measured again before the publication of another step has ended', async () => {
  const step = (name: string) =>
    `  ${name}: { spark: { sql: marts.sql }, outputs: [{ parquet: out/${name}, views: [marts] }] }`;
  const pipeline = await load(steps(`${step('shown')}\n${step('lost')}`));
  const plan = makePlan(pipeline, { profiles, findings: {} }, { cores: 2, largestMb: 8192 }, 1);
  const failure = { kind: 'inputs-lost', message: 'gone', lines: [] } as const;
  const ofStep = (name: string): RunEvent[] => [
    { type: 'attempt-intended', step: name, attempt: 1, key: name },
    {
      type: 'attempt-ended',
      step: name,
      attempt: 1,
      ...(name === 'lost' ? { state: 'failed', failure } : { state: 'succeeded' }),
    },
  ];
  const events: RunEvent[] = [
    { type: 'run-started', run: 'r1', pipeline, file: 'f' },
    { type: 'sources-measured', profiles, findings: {} },
    { type: 'planned', plan },
    ...ofStep('shown'),
    ...ofStep('lost'),
  ];
  const state = fold(events.map((event, i) => ({ seq: i + 1, at: 1, event })));
  expect(nextActions(state, 1)).toEqual([{ do: 'publish', step: 'shown', attempt: 1 }]);
});

test('a failing observer does not end the run', async () => {
  const w = world(profiles);
  Object.assign(w.ports, {
    onUpdate: () => {
      throw new RangeError('Invalid time value');
    },
  });
  const { state, events } = await w.run(await load(alone));
  expect(state.ended?.state).toBe('succeeded');
  expect(count(events, 'controller-failed')).toBe(0);
});

test('a service that asks for a retry in a thousand years is retried after the gateway timeout of the step', async () => {
  const w = world(profiles);
  let asked = 0;
  const taskRunner = memoryTaskRunner(() => {
    asked += 1;
    if (asked === 1) throw new RetryAfterError('503', Number.POSITIVE_INFINITY);
    return { status: 200, body: {} };
  });
  Object.assign(w.ports, { taskRunner });
  const before = w.now;
  const { state } = await w.run(await load(steps('  tell: { http: { url: http://api }, retry: { patience: 2m } }')));
  expect(state.ended?.state).toBe('succeeded');
  expect(w.now - before).toBeGreaterThan(60_000);
  expect(w.now - before).toBeLessThan(240_000);
});

test('an expected error does not count as a failure of a controller', async () => {
  const w = world(profiles);
  const capacity = () => Promise.reject(new SluiceError('no', { kind: 'rejected' }));
  Object.assign(w.ports, { backend: { ...w.ports.backend, capacity } });
  const { state, events } = await w.run(await load(alone));
  expect(state.ended).toMatchObject({ state: 'failed', errorKind: 'rejected' });
  expect(count(events, 'controller-failed')).toBe(0);
});

test('the exit code that earlier versions stored in a history is still understood', () => {
  const endedWith = (exitCode: number) =>
    fold([{ seq: 1, at: 1, event: { type: 'run-ended', state: 'failed', reason: '', exitCode } }]).ended?.errorKind;
  expect([endedWith(2), endedWith(3)]).toEqual(['rejected', 'unavailable']);
});

test('a run stores everything that a list shows', async () => {
  const { run, ports } = world(profiles);
  const { state } = await run(await load(alone));
  const [line] = await ports.store.list({ limit: 1 });
  expect(line).toMatchObject({ run: 'r1', state: 'succeeded', quality: state.plan?.quality, rows: 7 });
  expect(await ports.store.lastPlanned('shop')).toMatchObject({ run: 'r1', plan: state.plan });
});
