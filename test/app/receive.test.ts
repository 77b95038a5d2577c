import { expect, test } from 'vitest';
import { rowOf } from '../../controller/app/triggers/look.ts';
import { namedTriggers } from '../../controller/app/triggers/overview.ts';
import { receiveRequest } from '../../controller/app/triggers/receive.ts';
import { memoryStores } from '../fakes/store.ts';
import { pipelinesOf, signedBy } from '../server/world.ts';

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
  const request = { headers: signedBy('{"a":1}').headers, body: Buffer.from('{"a":1}'), now: Date.now() };
  const taken = await receiveRequest(late, watched, hook, request);
  expect(taken).toMatchObject({ outcome: 'started', isNew: true });
  expect(await store.firings({ ...hook, limit: 9 })).toMatchObject([{ outcome: 'started', run: taken.run }]);
  expect(await receiveRequest(store, watched, hook, request)).toMatchObject({ isNew: false, run: taken.run });
});

/** What the hook makes of a body. */
async function received(body: string, more: object = {}) {
  const store = memoryStores(() => Date.now())({ name: 'project' });
  const [loaded] = await pipelinesOf('alpha');
  const { pipeline } = loaded as NonNullable<typeof loaded>;
  const of = (fields: object) => {
    const triggers = { hook: { ...pipeline.triggers?.hook, ...fields } };
    const changed = { ...(loaded as NonNullable<typeof loaded>), pipeline: { ...pipeline, triggers } };
    return [{ name: 'alpha', file: 'f', version: '1', loaded: changed, problem: undefined }];
  };
  const request = { headers: signedBy(body).headers, body: Buffer.from(body), now: Date.now() };
  const send = (fields: object = more) => receiveRequest(store, of(fields), hook, request);
  return { store, send, of };
}

test('a request that was refused is taken when it is sent again and nothing is wrong any more', async () => {
  const { send } = await received('{"a":1}');
  expect(await send({ when: 'trigger.body.b == 1' })).toMatchObject({ outcome: 'refused' });
  expect(await send({ when: 'trigger.body.b == 1' })).toMatchObject({ outcome: 'refused' });
  const taken = await send({ when: 'trigger.body.a == 1' });
  expect(taken).toMatchObject({ outcome: 'started', isNew: true });
  expect(await send()).toMatchObject({ outcome: 'started', isNew: false, run: taken.run });
});

test('the ledger names what made a condition false, and shows nothing of the request', async () => {
  const { send } = await received('{"card":"4111"}', { when: 'trigger.body.card == "1" && trigger.body != null' });
  const { outcome, reason } = await send();
  expect([outcome, reason]).toEqual(['skipped', expect.stringMatching(/^when: trigger\.body\.card/)]);
  expect(reason).not.toContain('4111');
});

test('a body that is nested deeply is refused, and an id with a control character', async () => {
  const deep = await received(`${'['.repeat(5000)}${']'.repeat(5000)}`);
  await expect(deep.send()).rejects.toMatchObject({ status: 400, message: expect.stringContaining('deeply') });
  for (const id of ['a\\u0000b', 'a\\n', '\\ud800']) {
    const { send } = await received(`{"id":"${id}"}`, { key: 'body.id' });
    await expect(send()).rejects.toMatchObject({ status: 400, message: expect.stringContaining('control') });
  }
});

test('what no store takes is replaced in the values of a run', async () => {
  const { of } = await received('');
  const [named] = namedTriggers(of({}));
  const row = rowOf(named as never, { key: 'a\0', due: 1, facts: { body: { 'x\0': ['\ud800', '\ud83c\udf89'] } } }, 1);
  const facts = { body: { 'x\ufffd': ['\ufffd', '\ud83c\udf89'] } };
  expect(row).toMatchObject({ key: 'a\ufffd', as: { start: { events: [{ cause: { facts } }] } } });
});
