import { expect, test } from 'vitest';
import { scopes } from '../../controller/domain/ports/tokens.ts';
import { fullPath } from '../../controller/server/http/route.ts';
import { assets } from '../../controller/server/pages/frame/assets.ts';
import { pageRoutes } from '../../controller/server/pages/table.ts';
import { routes as apiRoutes } from '../../controller/server/routes-table.ts';
import { memoryStores } from '../fakes/store.ts';
import { admitted, bodies, formOf } from './admitted.ts';
import { fakeApi, finished, json, pipelinesOf, signedBy, world } from './world.ts';

const routes = [...apiRoutes, ...pageRoutes];

/** A server with another project in the same store, and a run and a token in each. */
async function several() {
  const stores = memoryStores(() => Date.now());
  const ours = await world({ store: stores({ name: 'project' }) });
  const theirs = await world({ store: stores({ name: 'other' }) });
  return { ours, theirs };
}

type World = Awaited<ReturnType<typeof world>>;

async function ask(server: World, of: (typeof routes)[number], as: string | null, run: string): Promise<number> {
  const values: Record<string, string> = {
    ...{ run, other: run, pipeline: 'alpha', plan: '0'.repeat(16), step: 's', attempt: '1' },
    ...{ source: 'deliveries', id: 'abcdefgh', kind: 'conflict', trigger: 'nightly' },
    name: assets.style.split('/').at(-1) ?? '',
  };
  const queries: Readonly<Record<string, string>> = {
    explainFiring: '?instant=2026-11-24T06:00',
    getCalendar: '?from=2026-11-24T00:00:00Z&to=2026-11-25T00:00:00Z',
  };
  const query = queries[of.name] ?? '';
  const path = `${fullPath(of).replace(/\{(\w+)\}/g, (_, name) => values[name] as string)}${query}`;
  const body = bodies[of.name];
  const csv = { headers: { 'content-type': 'text/csv' }, body: 'a,b,c\n1,2,3\n' };
  const response = await server.ask(of.method, path, {
    as,
    ...(of.isPage && of.method === 'POST'
      ? formOf(of, server.admin)
      : of.accepts !== undefined
        ? csv
        : body === undefined
          ? {}
          : { body }),
  });
  await response.body?.cancel();
  // A browser without a session is led to the login.
  const isLed = of.isPage && as === null && response.headers.get('location')?.startsWith('/login');
  return isLed && of.scope !== 'none' ? 401 : response.status;
}

test('each route admits the scopes of the table and no other, and no request without a token', async () => {
  const { ours } = await several();
  const found: Record<string, readonly string[] | 'all'> = {};
  let requests = 0;
  for (const of of routes) {
    const { name: run } = await ours.run('alpha');
    const without = await ask(ours, of, null, run);
    const admits: string[] = [];
    for (const scope of scopes) {
      requests += 1;
      const status = await ask(ours, of, await ours.token([scope]), run);
      expect(status, `${of.name} by ${scope}`).toBeLessThan(500);
      if (![401, 403].includes(status)) admits.push(scope);
    }
    expect(without === 401, of.name).toBe(of.scope !== 'none');
    found[`${of.method} ${fullPath(of)}`] = without === 401 ? admits.filter((scope) => scope !== 'admin') : 'all';
    expect(admits, of.name).toContain('admin');
  }
  expect(found).toEqual(admitted);
  expect(requests).toBe(routes.length * scopes.length);
});

test('a token of another project, a revoked one and an expired one open no door', async () => {
  const { ours, theirs } = await several();
  const { name: run } = await ours.run('alpha');
  const revoked = await ours.token(['admin'], ['*'], { revoked: 1 });
  const expired = await ours.token(['admin'], ['*'], { expires: Date.now() - 1 });
  // Too many refused logins of one address are answered by 429.
  for (const of of routes.filter(({ scope }) => scope !== 'none'))
    for (const as of [theirs.admin, revoked, expired])
      expect([401, 429], of.name).toContain(await ask(ours, of, as, run));
});

test('runs of another project are not there, even for an administrator', async () => {
  const { ours, theirs } = await several();
  const { name: run } = await theirs.run('alpha');
  const about = routes.filter(({ path }) => path.includes('{run}'));
  expect(about.length).toBeGreaterThan(10);
  for (const of of about) expect(await ask(ours, of, ours.admin, run), of.name).toBe(404);
  expect(await (await ours.get('/api/v1/runs')).json()).toMatchObject({ items: [] });
  expect(await (await ours.get('/api/v1/events')).json()).toMatchObject({ items: [] });
});

test('a token for some pipelines sees no run, event or pipeline of others', async () => {
  const { ours } = await several();
  const [{ name: mine }, { name: other }] = [await ours.run('alpha'), await ours.run('beta')];
  const as = await ours.token(['read', 'data', 'runs:write'], ['al*']);
  for (const of of routes.filter(({ path, scope }) => path.includes('{run}') && scope !== 'admin'))
    expect(await ask(ours, of, as, other), of.name).toBe(404);
  expect(await ask(ours, routes.find(({ name }) => name === 'getRun') as never, as, mine)).toBe(200);
  const items = async (path: string) => (await json(await ours.get(path, { as }))).items;
  expect((await items('/api/v1/runs')).map(({ run }) => run)).toEqual([mine]);
  expect(new Set((await items('/api/v1/events')).map(({ run }) => run))).toEqual(new Set([mine]));
  expect((await items('/api/v1/pipelines')).map(({ pipeline }) => pipeline)).toEqual(['alpha']);
  expect((await ours.ask('POST', '/api/v1/runs', { as, body: { pipeline: 'beta' } })).status).toBe(404);
  expect((await ours.ask('POST', '/api/v1/pipelines/beta/plan', { as, body: {} })).status).toBe(404);
  expect((await ours.get(`/api/v1/runs/${mine}/diff/${other}`, { as })).status).toBe(404);
});

test('pages of a token for some pipelines are full and complete', async () => {
  const { ours } = await several();
  const wanted: string[] = [];
  for (let i = 0; i < 30; i++) {
    const { name } = await ours.run(i % 3 === 0 ? 'alpha' : 'beta');
    if (i % 3 === 0) wanted.unshift(name);
  }
  const as = await ours.token(['read'], ['alpha']);
  const found: string[] = [];
  const sizes: number[] = [];
  for (let path: string | undefined = '/api/v1/runs?limit=4'; path !== undefined; ) {
    const response: Response = await ours.get(path, { as });
    const { items } = await json(response);
    sizes.push(items.length);
    found.push(...items.map(({ run }) => run));
    path = /<([^>]+)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
  }
  expect(found).toEqual(wanted);
  expect(sizes).toEqual([4, 4, 2]);
});

test('an administrator of some pipelines cannot make a token for more', async () => {
  const { ours } = await several();
  const as = await ours.token(['admin'], ['al*']);
  const create = (pipelines: string[]) => ours.ask('POST', '/api/v1/tokens', { as, body: { name: 'n', pipelines } });
  expect((await create(['*'])).status).toBe(403);
  expect((await create(['alpha', 'beta'])).status).toBe(403);
  expect((await create(['alp*'])).status).toBe(201);
});

test('the content of requests and messages is for tokens that may see rows', async () => {
  const server = await world();
  const sent = await server.ask('POST', '/hooks/alpha/hook', signedBy(JSON.stringify({ name: 'Ivanov' })));
  const { run } = await json(sent);
  const [read, data] = [await server.token(['read', 'runs:write']), await server.token(['read', 'data'])];
  for (const path of [`/api/v1/runs/${run}/events`, '/api/v1/events', `/api/v1/runs/${run}`, '/api/v1/firings']) {
    const bare = await server.get(path, { as: read });
    expect(bare.status, path).toBe(200);
    expect(await bare.text(), path).not.toContain('Ivanov');
    if (!path.endsWith('firings'))
      expect(await (await server.get(path, { as: data })).text(), path).toContain('Ivanov');
  }
  await server.store.heartbeat('me', 60_000);
  await server.store.append((await server.store.claim(run, 'me')) as never, 1, 2, {
    events: finished.events,
    ...finished.entry,
  });
  const retried = await server.ask('POST', `/api/v1/runs/${run}:retry`, { as: read });
  expect([retried.status, (await retried.text()).includes('Ivanov')]).toEqual([201, false]);
});

test('examples of rows are for tokens that may see rows', async () => {
  const server = await world({ api: fakeApi(memoryStores(() => 1)({ name: 'project' }), await pipelinesOf('alpha')) });
  const example = { reason: 'order_id: missing', where: 'a.csv:17', text: 'Ivanov,secret street' };
  const measures = { rows: 1, valid: 0, invalid: 1, invalidByReason: {}, nulls: {}, duplicates: 0, bytes: 1, new: 1 };
  const profiles = { deliveries: { measures, pin: { kind: 'csv' }, examples: [example] } };
  const findings = { paid: { source: 'deliveries', rows: 1, of: 1, examples: [example] } };
  const { name } = await server.run('alpha', [{ type: 'sources-measured', profiles, findings }]);
  const [read, data] = [await server.token(['read']), await server.token(['read', 'data'])];
  for (const path of [`/api/v1/runs/${name}/events`, '/api/v1/events', `/api/v1/runs/${name}/checks`]) {
    const bare = await server.get(path, { as: read });
    expect(bare.status, path).toBe(200);
    expect(await bare.text(), path).not.toContain('Ivanov');
    expect(await (await server.get(path, { as: data })).text(), path).toContain('Ivanov');
  }
});
