import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { event, expectCutStreams, messages, type Received, sse } from '../contract/streams.ts';
import { memoryStore } from '../fakes/store.ts';
import { finished, world } from './world.ts';

test('a stream has the history, then each event as it appears, and ends with the run', async () => {
  const { get, run, store } = await world();
  const { name, lease } = await run('alpha', [event(1)]);
  const response = await get(`/api/v1/runs/${name}/events`, sse());
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
  const seen: Received[] = [];
  for await (const message of messages(response)) {
    seen.push(message);
    if (message.id === '2') await store.append(lease, 2, Date.now(), { events: finished.events, ...finished.entry });
  }
  expect(seen.map(({ id, event: type }) => [id, type])).toEqual([
    ['1', 'run-started'],
    ['2', 'controller-failed'],
    ['3', 'run-ended'],
    [undefined, 'end'],
  ]);
  expect(seen.at(-1)?.data).toEqual({ run: name, state: 'failed' });
});

test('a stream goes on after the last event that the client has', async () => {
  const { get, run } = await world();
  const { name } = await run('alpha', [event(1), event(2), ...finished.events], finished.entry);
  const ids = async (path: string, last?: string) => {
    const found: (string | undefined)[] = [];
    for await (const { id } of messages(await get(path, sse(last)))) found.push(id);
    return found;
  };
  expect(await ids(`/api/v1/runs/${name}/events`, '2')).toEqual(['3', '4', undefined]);
  expect(await ids(`/api/v1/runs/${name}/events?after=3`)).toEqual(['4', undefined]);
  expect(await ids(`/api/v1/runs/${name}/events?after=1`, '4')).toEqual([undefined]);
  expect((await get(`/api/v1/runs/${name}/events`, sse('x'))).status).toBe(400);
});

test('200 streams that are cut at random and resumed see each of 1000 events once, in order', async () => {
  const store = memoryStore();
  await expectCutStreams([store, store]);
}, 120_000);

test('the stream of the project has the events of all runs by position, and begins now without a start', async () => {
  const { get, run, store } = await world();
  const one = await run();
  const response = await get('/api/v1/events', sse());
  const reading = messages(response);
  const first = reading.next();
  await sleep(100);
  const two = await run('beta');
  await store.append(one.lease, 1, Date.now(), { events: [event(1)] });
  const seen = [(await first).value, (await reading.next()).value] as Received[];
  expect(seen.map(({ data }) => [data.run, data.seq])).toEqual([
    [two.name, 1],
    [one.name, 2],
  ]);
  await reading.return(undefined);
  const again = messages(await get('/api/v1/events', sse(0)));
  const positions: number[] = [];
  for await (const { data } of again) {
    positions.push(data.position as number);
    if (positions.length === 3) break;
  }
  expect(positions).toEqual(positions.toSorted((a, b) => a - b));
  expect(new Set(positions).size).toBe(3);
});

test('a stream outlives an absence of the store', async () => {
  const { get, run, store } = await world();
  const { name, lease } = await run();
  const reading = messages(await get(`/api/v1/runs/${name}/events`, sse()));
  expect((await reading.next()).value?.id).toBe('1');
  const { SluiceError } = await import('../../controller/lib/errors.ts');
  const history = store.history.bind(store);
  const since = store.since.bind(store);
  const away = async (): Promise<never> => {
    throw new SluiceError('away', { kind: 'unavailable' });
  };
  Object.assign(store, { history: away, since: away });
  const next = reading.next();
  await sleep(200);
  Object.assign(store, { history, since });
  await store.append(lease, 1, Date.now(), { events: finished.events, ...finished.entry });
  expect((await next).value?.event).toBe('run-ended');
  expect((await reading.next()).value?.event).toBe('end');
}, 20_000);

test('when the server stops, streams are told so and end', async () => {
  const { get, run, api } = await world();
  const { name } = await run();
  const seen: string[] = [];
  for await (const { event: type } of messages(await get(`/api/v1/runs/${name}/events`, sse()))) {
    seen.push(type);
    if (type === 'run-started') api.hub.stop();
  }
  expect(seen).toEqual(['run-started', 'closing']);
});

test('one client has ten streams at most, and their places are free when it leaves', async () => {
  const { get, run, token } = await world();
  const { name } = await run();
  const as = await token(['read']);
  const open = () => get(`/api/v1/runs/${name}/events`, { ...sse(), as });
  const streams = await Promise.all(Array.from({ length: 10 }, open));
  expect(streams.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
  const refused = await open();
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
  // A refused stream and a missing run take no place.
  expect((await get('/api/v1/runs/none/events', { ...sse(), as })).status).toBe(429);
  for (const stream of streams) await stream.body?.cancel();
  await sleep(20);
  for (let i = 0; i < 30; i++) expect((await get('/api/v1/runs/none/events', { ...sse(), as })).status).toBe(404);
  expect((await get(`/api/v1/runs/${name}/events`, { as, headers: { accept: 'application/json' } })).status).toBe(200);
  const head = await get('/api/v1/events', { as });
  expect(head.headers.get('content-type')).toBe('application/json');
});

test('a log is followed to the end of its attempt', async () => {
  const lines = ['a'];
  const { get, run, store } = await world({ more: { logLines: async () => [...lines] } });
  const settings = {
    executors: 1,
    executorCores: 1,
    executorMemory: '1g',
    driverMemory: '1g',
    partitions: 1,
    profile: 'quick',
    conf: {},
  } as const;
  const attempt = { step: 'marts', attempt: 1 };
  const { name, lease } = await run('alpha', [{ type: 'attempt-intended', key: 'k', settings, ...attempt }]);
  const path = `/api/v1/runs/${name}/steps/marts/attempts/1/log`;
  expect(await (await get(path)).json()).toEqual({ run: name, step: 'marts', attempt: 1, lines: ['a'] });
  const seen: unknown[] = [];
  for await (const { event: type, data } of messages(await get(path, sse()))) {
    seen.push([type, data]);
    if (seen.length === 1) {
      lines.push('b', 'c');
      await store.append(lease, 2, Date.now(), { events: [{ type: 'attempt-ended', state: 'succeeded', ...attempt }] });
    }
  }
  expect(seen).toEqual([
    ['lines', ['a']],
    ['lines', ['b', 'c']],
    ['end', { run: name, state: 'succeeded' }],
  ]);
  for (const wrong of [
    'steps/marts/attempts/2',
    'steps/none/attempts/1',
    'steps/__proto__/attempts/1',
    'steps/marts/attempts/0',
  ])
    expect((await get(`/api/v1/runs/${name}/${wrong}/log`)).status, wrong).toBe(404);
});
