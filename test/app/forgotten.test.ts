import { expect, test } from 'vitest';
import { triggerOperations } from '../../controller/app/triggers/operations.ts';
import { memoryStores } from '../fakes/store.ts';
import { pipelinesOf } from '../server/world.ts';

const day = 86_400_000;

test('what the ledger has forgotten is not started again as if it were missing', async () => {
  let now = Date.parse('2026-01-01T00:00:00Z');
  const store = memoryStores(() => now)({ name: 'project' });
  const nightly = { pipeline: 'alpha', trigger: 'nightly' };
  await store.trigger(nightly);
  now += 200 * day;
  const [loaded] = await pipelinesOf('alpha');
  const watched = [{ name: 'alpha', file: 'f', version: '1', loaded, problem: undefined }];
  const of = (retention: object) =>
    triggerOperations(store, async () => watched, { project: { connections: { retention } } } as never);
  const range = { from: now - 110 * day, to: now - 90 * day };
  const ask = async (retention: object, only: 'missing' | 'all') =>
    (await of(retention).fire('alpha', 'nightly', { range, only, isDryRun: true, by: 'me' })).items;
  const kept = await ask({ firings: '100d' }, 'missing');
  expect(kept.map(({ action }) => action)).toEqual([...Array(10).fill('leave'), ...Array(10).fill('start')]);
  expect(kept[0]?.reason).toContain('retention.firings');
  for (const all of [await ask({}, 'missing'), await ask({ firings: '100d' }, 'all')])
    expect(new Set(all.map(({ action }) => action))).toEqual(new Set(['start']));
});
