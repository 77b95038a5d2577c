import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { httpTaskRunner } from '../../../controller/adapters/tasks/http/http.ts';
import { builtIn } from '../../../controller/app/registry.ts';
import { retryAfterMs } from '../../../controller/clients/retry-after.ts';
import type { Step } from '../../../controller/domain/pipeline.ts';
import { pipelineSchema } from '../../../controller/pipeline/schema.ts';

interface Heard {
  readonly request: IncomingMessage;
  readonly body: string;
}

let reply: (n: number) => { status: number; headers?: Record<string, string>; body: string } | undefined = () =>
  undefined;
const heard: Heard[] = [];
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => {
    body += chunk.toString();
  });
  request.on('end', () => {
    heard.push({ request, body });
    const said = reply(heard.length);
    if (said) response.writeHead(said.status, said.headers).end(said.body);
  });
});
let url = '';
beforeAll(
  () =>
    new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
        resolve();
      });
    }),
);
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const variables = { TOKEN: 's3cret-token', ODD: 'C4nary "sp/é|\\', EMPTY: '' };
const stepOf = (http: object): Step =>
  pipelineSchema(builtIn).parse({
    name: 'p',
    sources: { a: { csv: 'a', key: 'id', columns: { id: 'int' } } },
    branches: [{ name: 'all' }],
    steps: { ask: { http } },
  }).steps.ask as Step;
const values = { total: { rows: 5n }, run: { name: 'r1' }, steps: { before: { body: { text: '${TOKEN}' } } } };
const call = (http: object, signal = new AbortController().signal) =>
  httpTaskRunner(variables).run({ step: stepOf({ url, ...http }), key: 'sluice-r1-ask', values, signal });

describe('an HTTP request of a step', () => {
  test('has method, headers, a body with values of the run, and an idempotency key', async () => {
    reply = () => ({ status: 201, body: '{"id": 7}' });
    const answer = await call({
      url: `${url}/segments/{{ run.name }}`,
      method: 'POST',
      headers: { authorization: 'Bearer ${TOKEN}' },
      body: { rows: '{{ total.rows }}', text: 'run {{ run.name }} of ${TOKEN}', list: ['{{ total.rows > 3 }}'] },
    });
    expect(answer).toEqual({ status: 201, body: { id: 7 } });
    const { request, body } = heard.at(-1) as Heard;
    expect([request.method, request.url]).toEqual(['POST', '/segments/r1']);
    expect(request.headers).toMatchObject({ authorization: 'Bearer s3cret-token', 'idempotency-key': 'sluice-r1-ask' });
    expect(JSON.parse(body)).toEqual({ rows: 5, text: 'run r1 of s3cret-token', list: [true] });
  });

  test('belongs to the trace of its run, if that has one', async () => {
    reply = () => ({ status: 200, body: '{}' });
    const request = { step: stepOf({ url }), key: 'k', values, signal: new AbortController().signal };
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    await httpTaskRunner(variables).run({ ...request, traceparent });
    expect(heard.at(-1)?.request.headers.traceparent).toBe(traceparent);
    await httpTaskRunner(variables).run(request);
    expect(heard.at(-1)?.request.headers).not.toHaveProperty('traceparent');
  });

  test('does not fill in variables that an earlier response contains', async () => {
    reply = () => ({ status: 200, body: '{}' });
    await call({ method: 'POST', body: { text: '{{ steps.before.body.text }}' } });
    expect(JSON.parse(heard.at(-1)?.body ?? '')).toEqual({ text: '${TOKEN}' });
  });

  test('redacts values from the environment in responses and errors', async () => {
    reply = () => ({ status: 200, body: '{"echo": "you sent s3cret-token"}' });
    const http = { headers: { authorization: '${TOKEN}' } };
    expect(await call(http)).toEqual({ status: 200, body: { echo: 'you sent ***' } });
    reply = () => ({ status: 403, body: 's3cret-token is not allowed' });
    await expect(call(http)).rejects.toThrow(/answered 403, expected 200 or 201 or 202 or 204: \*\*\* is not allowed/);
    await expect(call({ url: 'http://127.0.0.1:1/?token=${TOKEN}' })).rejects.toThrow(
      /^GET http:\/\/127\.0\.0\.1:1\/: /,
    );
  });

  test('that fails reports no token of its URL, in any encoding', async () => {
    for (const url of ['http://127.0.0.1:1/${ODD}?t=${ODD}', 'http://u:${ODD}@127.0.0.1:1/', 'http://s3cret-${ODD}/']) {
      const error = await call({ url }).catch((reason: Error) => reason);
      expect(error).toMatchObject({ name: 'SluiceError' });
      expect(decodeURIComponent((error as Error).message)).not.toMatch(/C4nary|sp\/é/i);
    }
  });

  test.each([
    ['percent-encoded', encodeURIComponent],
    ['escaped in JSON', (text: string) => JSON.stringify(text).slice(1, -1)],
    ['in base64', (text: string) => Buffer.from(text).toString('base64')],
  ])('redacts its token in the response when it comes back %s', async (_how, write) => {
    const http = { headers: { 'x-token': '${TOKEN}' }, method: 'POST', body: { odd: '${ODD}' } };
    reply = () => ({ status: 200, body: JSON.stringify({ echo: write(variables.ODD) }) });
    expect(await call(http)).toEqual({ status: 200, body: { echo: '***' } });
    reply = () => ({ status: 403, body: `no: ${write(variables.ODD)}` });
    await expect(call(http)).rejects.toThrow(/: no: \*\*\*$/);
  });

  test('with a header that HTTP does not allow is refused, without quoting its value', async () => {
    const asked = call({ headers: { 'x-token': 'a\n${TOKEN}' } });
    await expect(asked).rejects.toMatchObject({ kind: 'rejected', message: expect.not.stringContaining('s3cret') });
  });

  test.each([
    [429, { 'retry-after': '7' }, 7000],
    [503, {}, undefined],
  ])('that gets %d is retried, at the time that the service sets', async (status, headers, retryAfterMs) => {
    reply = () => ({ status, headers, body: 'busy' });
    await expect(call({})).rejects.toMatchObject({ kind: 'unavailable', retryAfterMs });
  });

  test('that is refused, or gets a response that is too long, is not retried', async () => {
    reply = () => ({ status: 404, body: 'no such segment' });
    await expect(call({})).rejects.toMatchObject({ kind: 'rejected' });
    reply = () => ({ status: 200, body: 'x'.repeat(300 * 1024) });
    await expect(call({})).rejects.toMatchObject({ kind: 'rejected', message: expect.stringContaining('256 KiB') });
  });

  test('that never gets a response ends when it is aborted', async () => {
    reply = () => undefined;
    const abort = new AbortController();
    const asked = call({}, abort.signal);
    setTimeout(() => abort.abort(), 50);
    await expect(asked).rejects.toMatchObject({ kind: 'unknown-outcome' });
  });
});

test('Retry-After is in seconds or a date, and at most one hour', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  expect(retryAfterMs('3', now)).toBe(3000);
  expect(retryAfterMs('Thu, 01 Jan 2026 00:00:05 GMT', now)).toBe(5000);
  expect(retryAfterMs('Wed, 31 Dec 2025 23:00:00 GMT', now)).toBe(0);
  expect(retryAfterMs('999999999999999999', now)).toBe(3_600_000);
  expect(retryAfterMs('Thu, 01 Jan 9999 00:00:00 GMT', now)).toBe(3_600_000);
  expect(retryAfterMs('soon', now)).toBeUndefined();
  expect(retryAfterMs(null, now)).toBeUndefined();
});
