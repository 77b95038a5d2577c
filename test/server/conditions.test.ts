import { expect, test } from 'vitest';
import type { Message } from '../../controller/domain/ports/notifier.ts';
import { idempotencyKeyOf } from '../../controller/server/http/idempotency.ts';
import { finished, json, world } from './world.ts';

const requested = { type: 'cancel-requested', by: 'x' } as const;

test('a run has a version: the client that has it gets 304, until an event is added', async () => {
  const { get, run, store } = await world();
  const { name } = await run();
  const first = await get(`/api/v1/runs/${name}`);
  const etag = first.headers.get('etag') as string;
  expect(etag).toMatch(new RegExp(`^"${name}:1\\.[0-9a-f]{8}"$`));
  const again = (tag: string) => get(`/api/v1/runs/${name}`, { headers: { 'if-none-match': tag } });
  for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const known = await again(tag);
    expect([known.status, await known.text(), known.headers.get('etag')], tag).toEqual([304, '', etag]);
  }
  expect((await again('"other"')).status).toBe(200);
  await store.request(name, Date.now(), requested);
  const changed = await again(etag);
  expect([changed.status, changed.headers.get('etag')]).not.toEqual([304, etag]);
});

test('a message that is sent changes the version of the document, though no event is added', async () => {
  const { get, run, store } = await world();
  const { name, lease } = await run();
  const message = { id: 'm1', channel: 'email', run: name, event: 'failed', to: 'a@b' };
  await store.append(lease, 1, Date.now(), {
    events: finished.events,
    ...finished.entry,
    messages: [message as Message],
  });
  const read = async () => {
    const { headers } = await get(`/api/v1/runs/${name}`);
    return [headers.get('etag') as string, headers.get('cache-control')];
  };
  const before = await read();
  await store.recordAttempt('m1', 'sent', 0, 'ok');
  const after = await read();
  expect(before[0]).not.toBe(after[0]);
  expect([before[1], after[1]]).toEqual(['private, no-cache', 'private, max-age=3600']);
});

test('an action on a state that the client has not seen is refused with 412', async () => {
  const { ask, get, run, store } = await world();
  const { name } = await run();
  const etag = (await get(`/api/v1/runs/${name}`)).headers.get('etag') as string;
  await store.request(name, Date.now(), requested);
  const cancel = (tag: string) => ask('POST', `/api/v1/runs/${name}:cancel`, { headers: { 'if-match': tag } });
  expect((await cancel(etag)).status).toBe(412);
  expect((await cancel(`W/"${name}:2"`)).status).toBe(412);
  expect((await cancel(`"${name}:2"`)).status).toBe(202);
  expect((await cancel('*')).status).toBe(202);
});

test('twenty parallel requests with one key start one run, and all get the same answer', async () => {
  const { ask, store, token } = await world();
  const as = await token(['runs:write']);
  const send = () =>
    ask('POST', '/api/v1/runs', { as, body: { pipeline: 'alpha' }, headers: { 'idempotency-key': '"k 1"' } });
  const responses = await Promise.all(Array.from({ length: 20 }, send));
  expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([201]));
  const bodies = new Set(await Promise.all(responses.map((response) => response.text())));
  expect(bodies.size).toBe(1);
  expect(new Set(responses.map(({ headers }) => headers.get('location'))).size).toBe(1);
  expect(responses.filter(({ headers }) => headers.get('idempotency-replayed') === 'true')).toHaveLength(19);
  expect(await store.list({ limit: 99 })).toHaveLength(1);
});

test('a repeated request gets the first answer, also after the run has gone on', async () => {
  const { ask, store } = await world();
  const send = () => ask('POST', '/api/v1/runs', { body: { pipeline: 'alpha' }, headers: { 'idempotency-key': 'k1' } });
  const first = await json(await send());
  await store.request(first.run, Date.now(), requested);
  const second = await send();
  expect([second.status, await second.json()]).toEqual([201, first]);
  expect(first.cause).toMatchObject({ kind: 'api', by: 'admin', key: 'k1' });
});

test('a key belongs to its token and to its request', async () => {
  const { ask, token, store } = await world();
  const send = (as: string, body: object) =>
    ask('POST', '/api/v1/runs', { as, body, headers: { 'idempotency-key': 'k' } });
  const [one, two] = [await token(['runs:write']), await token(['runs:write'])];
  const first = await send(one, { pipeline: 'alpha', fullRefresh: true });
  const [again, reordered] = [
    await send(one, { pipeline: 'alpha', fullRefresh: true }),
    await send(one, { fullRefresh: true, pipeline: 'alpha' }),
  ];
  const changed = await send(one, { pipeline: 'alpha' });
  const other = await send(one, { pipeline: 'beta' });
  const foreign = await send(two, { pipeline: 'alpha', fullRefresh: true });
  expect([first, again, reordered, changed, other, foreign].map(({ status }) => status)).toEqual([
    201, 201, 201, 422, 422, 201,
  ]);
  expect(foreign.headers.get('location')).not.toBe(first.headers.get('location'));
  expect(await store.list({ limit: 9 })).toHaveLength(2);
});

test('keys are texts or tokens of at most 255 characters', () => {
  const keyOf = (value: string) => idempotencyKeyOf(new Headers({ 'idempotency-key': value }));
  expect(idempotencyKeyOf(new Headers())).toBeUndefined();
  expect(keyOf('"a b"')).toBe('a b');
  expect(keyOf('"a\\"b\\\\c"')).toBe('a"b\\c');
  expect(keyOf('2026-11-25T06:00:00Z')).toBe('2026-11-25T06:00:00Z');
  expect(keyOf('550e8400-e29b-41d4-a716-446655440000')).toHaveLength(36);
  expect(keyOf('k'.repeat(255))).toHaveLength(255);
  for (const wrong of ['""', '"', 'a b', 'ключ'.normalize(), 'k'.repeat(256), 'a"b', '"a\\b"', 'a,b c'])
    expect(() => {
      try {
        return keyOf(wrong);
      } catch (error) {
        // Headers refuse some characters themselves.
        if (error instanceof TypeError)
          throw new Error('must be 1 to 255 printable ASCII characters', { cause: error });
        throw error;
      }
    }, wrong).toThrow(/1 to 255 printable/);
});

test('a request that asks for strict handling needs a key', async () => {
  const { ask } = await world();
  const headers = { prefer: 'handling=strict' };
  expect((await ask('POST', '/api/v1/runs', { body: { pipeline: 'alpha' }, headers })).status).toBe(400);
  const both = { ...headers, 'idempotency-key': 'k' };
  expect((await ask('POST', '/api/v1/runs', { body: { pipeline: 'alpha' }, headers: both })).status).toBe(201);
});

test('a client that prefers to wait gets its answer when the run has ended', async () => {
  const { get, run, store } = await world();
  const { name, lease } = await run();
  const waited = get(`/api/v1/runs/${name}`, { headers: { prefer: 'respond-async, wait=20' } });
  await store.append(lease, 1, Date.now(), { events: finished.events, ...finished.entry });
  const response = await waited;
  expect([(await json(response)).state, response.headers.get('preference-applied')]).toEqual(['failed', 'wait=20']);
});

test('a run that has ended cannot be cancelled or resumed', async () => {
  const { ask, run } = await world();
  const { name } = await run('alpha', finished.events, finished.entry);
  for (const action of ['cancel', 'resume']) {
    const response = await ask('POST', `/api/v1/runs/${name}:${action}`);
    expect([response.status, (await json(response)).detail]).toEqual([409, `run ${name} has ended already: failed`]);
  }
});

test('a run of an active controller is not resumed by another', async () => {
  const { ask, store } = await world();
  await store.heartbeat('other/1', 3_600_000);
  await store.create({ run: '20261123-041200-aaaa', pipeline: 'alpha', at: 1, events: [], owner: 'other/1' });
  expect((await ask('POST', '/api/v1/runs/20261123-041200-aaaa:resume')).status).toBe(409);
  await store.expire('other/1');
  expect((await ask('POST', '/api/v1/runs/20261123-041200-aaaa:resume')).status).toBe(202);
});

test('problems name each wrong part, with a hint', async () => {
  const { ask, get } = await world();
  const response = await get('/api/v1/runs?limi=5&limit=1&limit=2');
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(await response.json()).toMatchObject({
    type: '/problems/invalid-request',
    status: 400,
    errors: [{ in: 'query', pointer: '/limit', message: 'is given more than once' }],
  });
  for (const number of ['', '%20', '1e2', '0x10', '-1', '+5', '1.0'])
    expect((await get(`/api/v1/events?after=${number}`)).status, number).toBe(400);
  const unknown = await json(await get('/api/v1/runs?limi=5'));
  expect(unknown.errors[0]).toMatchObject({ pointer: '/limi', message: 'is not known — did you mean "limit"?' });
  const body = await json(await ask('POST', '/api/v1/runs', { body: { pipelin: 'alpha', 'a/b~c': 1 } }));
  expect(body.errors.map(({ pointer }) => pointer).sort()).toEqual(['/a~1b~0c', '/pipelin', '/pipeline']);
  const kind = await (await get(body.type)).json();
  expect(kind).toEqual({ kind: 'invalid-request', title: body.title, status: 400 });
});

test('an unforeseen error is answered without its text, and logged', async () => {
  const { get, logger } = await world({
    more: {
      services: async () => {
        throw new TypeError('secret-place is not a function');
      },
    },
  });
  const response = await get('/api/v1/services');
  const text = await response.text();
  expect([response.status, text.includes('secret-place')]).toEqual([500, false]);
  const { instance } = JSON.parse(text);
  const line = logger.lines.find(({ level }) => level === 'error');
  expect(line?.message).toContain('secret-place');
  expect(instance).toBe(`urn:uuid:${line?.fields?.request}`);
});

test('other methods of a resource are answered by 405 with those that it has', async () => {
  const { ask } = await world();
  const put = await ask('PUT', '/api/v1/runs');
  expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
  expect((await ask('GET', '/api/v1/runs/x:cancel')).headers.get('allow')).toBe('POST');
  expect((await ask('HEAD', '/api/v1/runs')).status).toBe(200);
  for (const path of [
    '/api/v1/runs/',
    '/api/v1',
    '/none',
    '/api/v1/runs/a/b',
    '/api/v1/runs/..%2f..',
    '/api/v1/runs/%ff',
  ])
    expect((await ask('GET', path)).status, path).toBe(404);
});

test('a server whose store is away is alive and not ready', async () => {
  const { get, store, api } = await world();
  expect([(await get('/livez')).status, (await get('/readyz')).status]).toEqual([200, 200]);
  await store.expire(api.owner());
  expect((await get('/readyz')).status).toBe(503);
  await store.heartbeat('later/1/2/3', 1000);
  (store as { controllers: unknown }).controllers = () => new Promise(() => undefined);
  const began = performance.now();
  const late = await get('/readyz');
  expect([late.status, (await json(late)).detail]).toEqual([503, 'the run store does not answer']);
  expect(performance.now() - began).toBeLessThan(3000);
});

test('a server that stops is not ready, and takes no requests', async () => {
  const { get, api } = await world();
  api.hub.stop();
  expect([(await get('/livez')).status, (await get('/readyz')).status, (await get('/api/v1/runs')).status]).toEqual([
    200, 503, 503,
  ]);
});
