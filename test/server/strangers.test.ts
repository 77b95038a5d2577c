import { expect, test } from 'vitest';
import { world } from './world.ts';

test('a stranger fills neither the audit log nor keeps a sender away', async () => {
  const { ask, store } = await world();
  const send = (body: string) => ask('POST', '/hooks/alpha/hook', { as: null, body });
  for (let i = 0; i < 200; i++) expect((await send('{')).status).toBe(400);
  expect((await store.audit({ limit: 100 })).length).toBeLessThan(10);
  expect((await send('{"a":1}')).status).toBe(202);
});
