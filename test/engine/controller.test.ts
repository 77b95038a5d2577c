import { expect, test } from 'vitest';
import { Controller } from '../../controller/engine/controller.ts';
import { LeaseLostError } from '../../controller/engine/journal.ts';
import { memoryStore } from '../fakes/store.ts';
import { good, load } from '../pipeline/files.ts';
import { profile } from '../planning/profiles.ts';
import { world } from './world.ts';

test('a closed controller no longer acts for its runs, and others can claim them at once', async () => {
  const w = world({ deliveries: profile(), orders: profile() }, () => [{ state: 'running', applicationId: 'app-1' }]);
  const store = memoryStore();
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  const of = (name: string) =>
    new Controller({
      store,
      now: () => performance.now(),
      sleep: pause,
      newName: () => name,
      isProcessGone: async () => false,
    });
  const [first, second] = [of('first'), of('second')];
  await first.open();
  await second.open();
  const event = { type: 'run-started', run: 'r1', pipeline: await load(good), file: 'f' } as const;
  const { number, lease } = await store.create({ run: 'r1', pipeline: 'shop', at: 1, events: [event], owner: 'first' });
  const gaveWay = expect(first.execute(number, lease, { ...w.ports, store, sleep: pause })).rejects.toThrow(
    LeaseLostError,
  );
  while ((await store.history('r1')).length < 6) await pause(5);
  await first.close();
  await gaveWay;
  expect(await second.claim('r1')).toBeDefined();
  await second.close();
});
