import { expect, test } from 'vitest';
import { signedBy, world } from './world.ts';

test('a stranger fills neither the audit log nor keeps a sender away', async () => {
  const { ask, store } = await world();
  const send = (body: string, isStranger = false) =>
    ask('POST', '/hooks/alpha/hook', isStranger ? { as: null, body } : signedBy(body));
  for (let i = 0; i < 200; i++) expect((await send('{', true)).status).toBe(401);
  expect((await store.audit({ limit: 100 })).length).toBeLessThan(10);
  expect((await send('{"a":1}')).status).toBe(202);
});
