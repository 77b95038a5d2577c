import { expect, test } from 'vitest';
import { json, signedBy, world } from './world.ts';

const day = 86_400_000;
const at = (ms: number): string => new Date(ms).toISOString();

test('the calendar has what was and what will be, in one order, and only of visible pipelines', async () => {
  const { get, store, token } = await world();
  const nightly = { pipeline: 'alpha', trigger: 'nightly' };
  const now = Date.now();
  const seen = await store.trigger(nightly);
  await store.fire(nightly, seen, [{ key: 'k', due: now - day, as: { outcome: 'skipped', reason: 'holiday' } }], {
    horizon: now,
  });
  const range = `from=${at(now - 2 * day)}&to=${at(now + 3 * day)}`;
  const body = await (await get(`/api/v1/calendar?${range}`)).json();
  const { items, isComplete } = body as {
    items: { pipeline: string; due: string; outcome: string }[];
    isComplete: boolean;
  };
  expect(isComplete).toBe(true);
  expect(items.map(({ due }) => due)).toEqual(items.map(({ due }) => due).sort());
  expect(items.filter(({ pipeline }) => pipeline === 'alpha').map(({ outcome }) => outcome)).toEqual([
    'skipped',
    ...Array(3).fill('to-come'),
  ]);
  const as = await token(['read'], ['be*']);
  const theirs = (await json(await get(`/api/v1/calendar?${range}`, { as }))).items;
  expect(new Set(theirs.map(({ pipeline }) => pipeline))).toEqual(new Set(['beta']));
});

test('a calendar of a long time is refused, and one of a far time is short work', async () => {
  const { get } = await world();
  expect((await get('/api/v1/calendar?from=1926-01-01T00:00:00Z&to=2026-01-01T00:00:00Z')).status).toBe(422);
  expect((await get('/api/v1/calendar?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z')).status).toBe(422);
  expect((await get('/api/v1/calendar?from=9998-01-01T00:00:00Z&to=9998-02-01T00:00:00Z')).status).toBe(200);
});

test('a hook takes a hundred signed requests at once, and then twenty a second', async () => {
  const { ask } = await world();
  const send = (i: number) => ask('POST', '/hooks/alpha/hook', signedBy(JSON.stringify({ i })));
  const answers = await Promise.all(Array.from({ length: 130 }, (_, i) => send(i)));
  const refused = answers.filter(({ headers }) => headers.get('ratelimit-policy')?.startsWith('"hook"'));
  expect(refused.length).toBeGreaterThan(5);
  for (const each of refused) expect([each.status, each.headers.get('retry-after')]).toEqual([429, '1']);
});
