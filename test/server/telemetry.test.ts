import { expect, test } from 'vitest';
import { json, signedBy, world } from './world.ts';

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const traceOf = async (response: Response) =>
  ((await response.json()) as { resourceSpans: [{ scopeSpans: [{ spans: Record<string, unknown>[] }] }] })
    .resourceSpans[0].scopeSpans[0].spans;

test('a run belongs to the trace of the request that started it', async () => {
  const { ask, get } = await world();
  const start = async (header: string) =>
    json(await ask('POST', '/api/v1/runs', { body: { pipeline: 'alpha' }, headers: { traceparent: header } }));
  const { run, cause } = await start(traceparent);
  expect(cause).toMatchObject({ kind: 'api', traceparent });
  expect((await start('00-nonsense-01')).cause).not.toHaveProperty('traceparent');
  expect(await traceOf(await get(`/api/v1/runs/${run}/trace`))).toMatchObject([
    { name: 'run alpha', traceId: traceparent.slice(3, 35), parentSpanId: traceparent.slice(36, 52) },
  ]);
});

test('a signed request of a trace starts a run of it; its retry is a run of its own', async () => {
  const server = await world();
  const signed = signedBy('{}');
  const sent = await server.ask('POST', '/hooks/alpha/hook', {
    ...signed,
    headers: { ...signed.headers, traceparent },
  });
  const { run } = await json(sent);
  expect((await json(await server.get(`/api/v1/runs/${run}`))).cause).toMatchObject({ kind: 'webhook', traceparent });
  await server.store.heartbeat('me', 60_000);
  const lease = await server.store.claim(run, 'me');
  await server.store.append(lease as never, 1, 2, {
    events: [{ type: 'run-ended', state: 'failed', reason: 'so' }],
    summary: { state: 'failed', ended: Date.now() },
  });
  const retried = await json(await server.ask('POST', `/api/v1/runs/${run}:retry`));
  expect(retried.cause).toMatchObject({ kind: 'webhook', trigger: 'hook' });
  expect(retried.cause).not.toHaveProperty('traceparent');
});

test('the trace and the lineage of a run that has not changed are not sent again', async () => {
  const { get, run } = await world();
  const { name } = await run('alpha');
  for (const what of ['trace', 'lineage']) {
    const first = await get(`/api/v1/runs/${name}/${what}`);
    expect(first.status).toBe(200);
    const headers = { 'if-none-match': first.headers.get('etag') ?? '' };
    expect((await get(`/api/v1/runs/${name}/${what}`, { headers })).status).toBe(304);
  }
});
