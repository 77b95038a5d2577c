import { expect, test } from 'vitest';
import type { TriggerDriver } from '../../controller/adapters/drivers.ts';
import { everyTrigger } from '../../controller/adapters/triggers/every/driver.ts';
import { Scheduler } from '../../controller/app/triggers/scheduler.ts';
import type { RunStore } from '../../controller/domain/ports/store.ts';
import type { LoadedPipeline } from '../../controller/pipeline/loader.ts';
import { memoryStore } from '../fakes/store.ts';

const hour = 3_600_000;
const start = Date.parse('2026-03-01T00:00:00Z');
const name = { pipeline: 'p', trigger: 't' };

/** A scheduler of one hourly trigger, over a store with a clock of its own. */
function scheduled({ missed = 'last', slow = 0 } = {}) {
  let now = start;
  let polls = 0;
  const broken = { reason: undefined as string | undefined };
  const problems: unknown[] = [];
  const store = memoryStore(() => now);
  const driver: TriggerDriver = {
    ...everyTrigger,
    poll: (...args) => {
      polls += 1;
      if (broken.reason !== undefined) throw new Error(broken.reason);
      return everyTrigger.poll(...args);
    },
  };
  const slowly: RunStore = {
    ...store,
    async triggers() {
      now += slow;
      return store.triggers();
    },
  };
  const scheduler = new Scheduler({
    ...{ store: slowly, drivers: [driver], context: {} as never, monotonic: () => now - start },
    report: {
      entered: () => undefined,
      problem: (_of, reason) => problems.push(reason),
      clockStepped: (by) => problems.push(by),
    },
  });
  const trigger = { every: '1h', from: '2026-03-01T00:00:00Z', missed, within: '72h' };
  const loaded = { file: 'p.yaml', text: '', pipeline: { name: 'p', sources: {}, triggers: { t: trigger } } };
  return {
    store,
    problems,
    broken,
    polls: () => polls,
    now: () => now,
    pass: (ms: number) => {
      now += ms;
    },
    async tick() {
      await scheduler.tick([loaded as unknown as LoadedPipeline]);
      await scheduler.idle();
    },
  };
}

test('a pause that ends by itself ends for a scheduler that saw it begin', async () => {
  const { store, tick, pass, problems, polls, now } = scheduled();
  await tick();
  await store.pause(name, { by: 'anna', until: start + 90 * 60_000 });
  pass(hour);
  await tick();
  pass(start + 90 * 60_000 - now());
  const before = polls();
  await tick();
  // Without an end of the pause it would look again and again.
  expect(polls() - before).toBe(1);
  pass(start + 2 * hour - now());
  await tick();
  expect((await store.firings({ ...name, limit: 9 })).map(({ outcome }) => outcome)).toEqual(['started', 'skipped']);
  expect(problems).toEqual([]);
});

test('a problem is told when it begins and when it has ended, also by other processes; not again', async () => {
  const { store, tick, pass, problems, broken } = scheduled();
  await store.trigger(name);
  await store.setProblem(name, 'that of another process');
  await tick();
  expect(problems).toEqual([undefined]);
  broken.reason = 'no';
  pass(hour);
  await tick();
  broken.reason = undefined;
  for (let i = 0; i < 4; i++) {
    pass(hour);
    await tick();
  }
  expect(problems).toEqual([undefined, 'no', undefined]);
  expect((await store.trigger(name)).problem).toBeUndefined();
});

test('catching up goes on when runs begin, though that changes nothing of the trigger', async () => {
  const { store, tick, pass } = scheduled({ missed: 'all' });
  await tick();
  pass(30 * hour);
  for (let i = 0; i < 10; i++) {
    await tick();
    pass(1000);
  }
  const waiting = await store.firings({ ...name, limit: 99 });
  expect(waiting).toHaveLength(10);
  await store.heartbeat('engine', 9 * hour);
  for (const { run = '' } of waiting) {
    const lease = await store.claim(run, 'engine');
    if (lease) await store.append(lease, 1, start, { events: [{ type: 'measuring' }], summary: { measuring: true } });
  }
  for (let i = 0; i < 10; i++) {
    await tick();
    pass(1000);
  }
  expect(await store.firings({ ...name, limit: 99 })).toHaveLength(20);
});

test('a slow answer of the store starts nothing before it is due', async () => {
  const { store, tick, pass, now } = scheduled({ slow: 3000 });
  while (now() < start + 3 * hour) {
    await tick();
    pass(700);
  }
  const rows = await store.firings({ ...name, limit: 9 });
  expect(rows).toHaveLength(2);
  for (const { due, noted } of rows) expect(noted).toBeGreaterThanOrEqual(due);
});

test('a resumed trigger is looked at, whatever happened to its runs meanwhile', async () => {
  const { store, tick, pass, now } = scheduled();
  await tick();
  pass(start + hour - now());
  await tick();
  await store.pause(name, { by: 'anna' });
  pass(6000);
  await tick();
  const [fired] = await store.firings({ ...name, limit: 1 });
  await store.heartbeat('engine', 9 * hour);
  const lease = await store.claim(fired?.run ?? '', 'engine');
  if (lease) await store.append(lease, 1, start, { events: [{ type: 'measuring' }], summary: { measuring: true } });
  pass(6000);
  await tick();
  await store.resume(name);
  pass(start + 2 * hour - now());
  await tick();
  expect((await store.firings({ ...name, limit: 9 })).map(({ outcome }) => outcome)).toEqual(['started', 'started']);
});

test('instants of a pause that catching up has not got to yet are still skipped', async () => {
  const { store, tick, pass, now } = scheduled({ missed: 'all' });
  await tick();
  pass(20 * hour + 60_000);
  await store.pause(name, { by: 'anna' });
  pass(3 * hour);
  await store.resume(name);
  for (let i = 0; i < 3; i++) {
    await tick();
    pass(2000);
  }
  await store.heartbeat('engine', 99 * hour);
  for (let i = 0; i < 9; i++) {
    for (const { run = '' } of await store.firings({ ...name, outcome: 'started', limit: 99 })) {
      const lease = await store.claim(run, 'engine');
      const { length } = await store.history(run);
      if (lease) await store.append(lease, length, now(), { events: [], summary: { measuring: true } });
    }
    pass(6000);
    await tick();
  }
  const rows = await store.firings({ ...name, limit: 99 });
  expect(rows.filter(({ outcome }) => outcome === 'started')).toHaveLength(20);
  expect(rows.filter(({ outcome }) => outcome === 'skipped').map(({ count }) => count)).toEqual([3]);
});
