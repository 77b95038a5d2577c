import { expect, test } from 'vitest';
import { world } from './world.ts';

const path = '/api/v1/pipelines/alpha/triggers/nightly';

test('each action on a trigger reaches it by its names', async () => {
  const { ask, get, store } = await world();
  const act = async (verb: string, body?: object) => {
    const response = await ask('POST', `${path}:${verb}`, body === undefined ? {} : { body });
    return [response.status, await response.json()];
  };
  const named = { pipeline: 'alpha', trigger: 'nightly' };
  expect(await act('pause', { reason: 'outage' })).toMatchObject([200, { ...named, state: 'paused' }]);
  expect(await act('pause', {})).toMatchObject([422, { detail: expect.stringContaining('paused already') }]);
  expect(await act('resume')).toMatchObject([200, { state: 'active' }]);
  expect(await act('pause', { until: '2020-01-01T00:00:00Z' })).toMatchObject([422, {}]);
  expect(await act('fire', {})).toMatchObject([200, { ...named, items: [{ outcome: 'started' }] }]);
  const range = { from: '1926-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' };
  const began = performance.now();
  expect(await act('fire', range)).toMatchObject([422, { detail: expect.stringContaining('at most 100 may') }]);
  expect(performance.now() - began).toBeLessThan(5000);
  expect(await act('pause', { reason: 'a\0' })).toMatchObject([400, {}]);
  expect(await act('skip')).toMatchObject([200, { skipped: 0 }]);
  expect(await act('reset')).toMatchObject([200, { generation: 2 }]);
  expect((await store.firings({ ...named, limit: 9 })).map(({ outcome }) => outcome)).toEqual(['started']);
  expect((await get(path)).status).toBe(200);
});
