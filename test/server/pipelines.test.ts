import { expect, test } from 'vitest';
import { memoryStores } from '../fakes/store.ts';
import { fakeApi, json, owner, pipelinesOf, world } from './world.ts';

async function withBroken() {
  const store = memoryStores(() => Date.now())({ name: 'project' });
  const [alpha, beta] = await pipelinesOf('alpha', 'beta');
  const watched = [
    { name: 'alpha', file: 'conf/pipelines/alpha.yaml', version: 'v1', loaded: alpha, problem: undefined },
    { name: 'beta', file: 'conf/pipelines/beta.yaml', version: 'v2', loaded: beta, problem: 'line 3: no' },
    { name: 'gamma', file: 'conf/pipelines/gamma.yaml', version: '', loaded: undefined, problem: 'line 4: never' },
  ];
  const more = { watched: async () => watched };
  return world({ api: { ...fakeApi(store, [], more) } });
}

test('pipelines whose files have a problem are listed with it', async () => {
  const { get } = await withBroken();
  const { items } = (await (await get('/api/v1/pipelines')).json()) as { items: Record<string, unknown>[] };
  expect(items.map(({ pipeline, version, problem }) => [pipeline, version, problem])).toEqual([
    ['alpha', 'v1', null],
    ['beta', 'v2', 'line 3: no'],
    ['gamma', '', 'line 4: never'],
  ]);
  expect(items[2]).toMatchObject({ sources: [], triggers: [], last: null });
});

test('a pipeline has what each server has of it, its triggers, and a version that answers 304', async () => {
  const { get, store, token } = await withBroken();
  const pipelines = { alpha: { version: 'v0', file: 'f', problem: 'old' } };
  const info = { release: '7', version: '1', node: '20', tzdata: '2025c', services: [], pipelines };
  await store.announce({ owner, info });
  const response = await get('/api/v1/pipelines/alpha');
  expect(await response.json()).toMatchObject({
    pipeline: 'alpha',
    version: 'v1',
    servers: [{ controller: owner, release: '7', version: 'v0', problem: 'old' }],
    triggers: [{ trigger: 'hook' }, { trigger: 'nightly', next: expect.any(String) }],
  });
  const etag = response.headers.get('etag') ?? '';
  expect(etag).toMatch(/^"v1\./);
  expect((await get('/api/v1/pipelines/alpha', { headers: { 'if-none-match': etag } })).status).toBe(304);
  await store.pause({ pipeline: 'alpha', trigger: 'nightly' }, { by: 'anna' });
  await store.trigger({ pipeline: 'alpha', trigger: 'nightly' });
  await store.pause({ pipeline: 'alpha', trigger: 'nightly' }, { by: 'anna' });
  expect((await get('/api/v1/pipelines/alpha', { headers: { 'if-none-match': etag } })).status).toBe(200);
  expect((await get('/api/v1/pipelines/nothing')).status).toBe(404);
  const as = await token(['read'], ['be*']);
  expect((await get('/api/v1/pipelines/alpha', { as })).status).toBe(404);
  expect((await get('/api/v1/pipelines/alpha/file', { as })).status).toBe(404);
});

test('the file of a pipeline is its text, and one that was never valid has none', async () => {
  const { get } = await withBroken();
  const response = await get('/api/v1/pipelines/beta/file');
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/yaml; charset=utf-8']);
  expect(response.headers.get('etag')).toBe('"v2"');
  expect((await get('/api/v1/pipelines/beta/file', { headers: { 'if-none-match': '"v2"' } })).status).toBe(304);
  expect(await json(await get('/api/v1/pipelines/gamma/file'))).toMatchObject({
    detail: expect.stringContaining('never'),
  });
});

test('runs are listed by trigger, branch and the beginning of a name', async () => {
  const { get, store, run } = await world();
  const { name } = await run('alpha', [], { summary: { branch: 'full' } });
  await store.create({ run: 'x-1', pipeline: 'beta', at: 1, events: [], trigger: 'nightly' });
  const runs = async (query: string) => (await json(await get(`/api/v1/runs?${query}`))).items.map((each) => each.run);
  expect(await runs('branch=full')).toEqual([name]);
  expect(await runs('trigger=nightly')).toEqual(['x-1']);
  expect(await runs('q=be')).toEqual(['x-1']);
  expect(await runs('q=x-&branch=full')).toEqual([]);
});
