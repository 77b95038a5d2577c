import { expect, test } from 'vitest';
import { builtIn } from '../../controller/app/registry.ts';
import { receiveRequest } from '../../controller/app/triggers/receive.ts';
import { Scheduler } from '../../controller/app/triggers/scheduler.ts';
import { memoryStores } from '../fakes/store.ts';
import { pipelinesOf, signedBy } from '../server/world.ts';

test('a trigger that waits for a change of its state sees one, also right after it was first seen', async () => {
  let now = 1_800_000_000_000;
  const store = memoryStores(() => now)({ name: 'project' });
  const [loaded] = await pipelinesOf('alpha');
  const problems: string[] = [];
  const scheduler = new Scheduler({
    store,
    drivers: builtIn.triggers,
    context: { sourceKinds: [] } as never,
    monotonic: () => now,
    report: {
      entered: () => undefined,
      problem: (_of, reason) => problems.push(String(reason)),
      clockStepped: () => undefined,
    },
  });
  const pass = async (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      now += 1000;
      await scheduler.tick(loaded ? [loaded] : []);
      await scheduler.idle();
    }
  };
  const hook = { pipeline: 'alpha', trigger: 'hook' };
  await pass(10);
  await store.pause(hook, { by: 'anna' });
  const watched = [{ name: 'alpha', file: 'f', version: '1', loaded, problem: undefined }];
  const request = { headers: signedBy('{"a":1}').headers, body: Buffer.from('{"a":1}'), now };
  expect(await receiveRequest(store, watched, hook, request)).toMatchObject({ outcome: 'held' });
  await store.resume(hook);
  await pass(12);
  const [started] = await store.firings({ ...hook, limit: 9 });
  expect(started).toMatchObject({ outcome: 'started' });
  const [first] = await store.history(started?.run ?? '');
  expect(first?.event).toMatchObject({ cause: { facts: { body: { a: 1 } } } });
  expect(problems).toEqual([]);
});
