import { expect, test } from 'vitest';
import { receiveRequest } from '../../controller/app/triggers/receive.ts';
import { memoryStores } from '../fakes/store.ts';
import { pipelinesOf } from '../server/world.ts';

const hook = { pipeline: 'alpha', trigger: 'hook' };

test('a request that is held when the pause has just ended is not held for ever', async () => {
  const store = memoryStores(() => Date.now())({ name: 'project' });
  const [loaded] = await pipelinesOf('alpha');
  const watched = [{ name: 'alpha', file: 'f', version: '1', loaded, problem: undefined }];
  await store.trigger(hook);
  await store.pause(hook, { by: 'anna' });
  // The pause ends, and a scheduler accounts for it, after the request has seen it.
  const late = {
    ...store,
    async fire(...[name, seen, rows, cursor]: Parameters<typeof store.fire>) {
      if (await store.resume(hook)) await store.fire(hook, await store.trigger(hook), [], {});
      return store.fire(name, seen, rows, cursor);
    },
  };
  const request = { headers: {}, body: Buffer.from('{"a":1}'), now: Date.now() };
  const taken = await receiveRequest(late, watched, hook, request);
  expect(taken).toMatchObject({ outcome: 'started', isNew: true });
  expect(await store.firings({ ...hook, limit: 9 })).toMatchObject([{ outcome: 'started', run: taken.run }]);
  expect(await receiveRequest(store, watched, hook, request)).toMatchObject({ isNew: false, run: taken.run });
});
