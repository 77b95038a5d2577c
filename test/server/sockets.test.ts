import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { serveSchema } from '../../controller/config/serve.ts';
import { httpApp } from '../../controller/server/app.ts';
import { knownHosts } from '../../controller/server/doors/origin.ts';
import { listen } from '../../controller/server/listen.ts';
import { finished, generous, world } from './world.ts';

/** Limits that a test can wait for. Milliseconds. */
const short = { headersMs: 400, requestMs: 800, keepAliveMs: 500, stopMs: 500 };

const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.stop();
});

/** A server with a real socket on a free port. */
async function listening(patience = short, connections = 1000) {
  const made = await world();
  const settings = serveSchema.parse({ limits: generous });
  const server = await listen(
    (port) => httpApp({ api: made.api, settings, logger: made.logger, isKnownHost: knownHosts('127.0.0.1', port, []) }),
    { host: '127.0.0.1', port: 0 },
    connections,
    patience,
  );
  open.push(server);
  const fetchAs = (path: string, init: RequestInit = {}) =>
    fetch(`${server.url}${path}`, { ...init, headers: { authorization: `Bearer ${made.admin}`, ...init.headers } });
  return { ...made, server, fetchAs };
}

/** A raw connection: what came, and when it was closed. */
function raw(port: number): { socket: Socket; text: () => string; closed: Promise<void> } {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return { socket, text: () => text, closed };
}

test('a client that sends its headers slowly is cut off', async () => {
  const { server } = await listening();
  const { socket, closed, text } = raw(server.port);
  socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n');
  const began = performance.now();
  const drip = setInterval(() => socket.write('a: b\r\n'), 100);
  await closed;
  clearInterval(drip);
  expect(performance.now() - began).toBeLessThan(2000);
  expect(text()).toMatch(/^HTTP\/1\.1 408/);
});

test('a client that sends its body slowly is cut off', async () => {
  const { server, admin } = await listening();
  const { socket, closed } = raw(server.port);
  socket.write(
    `POST /api/v1/runs HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nAuthorization: Bearer ${admin}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n`,
  );
  const began = performance.now();
  const drip = setInterval(() => socket.write('x'), 100);
  await closed;
  clearInterval(drip);
  expect(performance.now() - began).toBeLessThan(3000);
});

test('headers above 16 KiB are refused with 431', async () => {
  const { server, fetchAs } = await listening();
  expect((await fetchAs('/api/v1/runs', { headers: { 'x-long': 'x'.repeat(17_000) } })).status).toBe(431);
  expect((await fetchAs('/api/v1/runs', { headers: { 'x-long': 'x'.repeat(10_000) } })).status).toBe(200);
  expect(server.port).toBeGreaterThan(0);
});

test('a body above 1 MiB is refused with 413, with and without a length', async () => {
  const { fetchAs } = await listening();
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ pipeline: 'x'.repeat(1 << 20) });
  expect((await fetchAs('/api/v1/runs', { method: 'POST', headers, body })).status).toBe(413);
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(65_536).fill(32)),
  });
  const init = { method: 'POST', headers, body: endless, duplex: 'half' } as RequestInit;
  const sent = await fetchAs('/api/v1/runs', init).catch((error: Error) => error);
  // The server closes the connection, so that the client may not see the answer.
  expect(sent instanceof Error ? 413 : sent.status).toBe(413);
  expect((await fetchAs('/api/v1/runs')).status).toBe(200);
});

test('requests that are not HTTP, or two at once, do no harm', async () => {
  const { server, fetchAs, admin } = await listening();
  for (const text of [
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    'GET\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    `GET http://evil.example/api/v1/runs HTTP/1.1\r\nHost: evil.example\r\n\r\n`,
    `POST /api/v1/runs HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX`,
    `GET /api/v1/runs HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n`,
    'GET /livez HTTP/1.0\r\n\r\n',
    `GET //evil.example/%2e%2e/%2e%2e HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nAuthorization: Bearer ${admin}\r\nConnection: close\r\n\r\n`,
    `GET * HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nConnection: close\r\n\r\n`,
    `OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nConnection: close\r\n\r\n`,
    `CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n`,
    `GET /livez HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n`,
  ]) {
    const { socket, closed, text: came } = raw(server.port);
    socket.end(text, 'latin1');
    await closed;
    expect(came(), text).not.toMatch(/^HTTP\/1\.1 5/);
    expect(came(), text).not.toContain('"items"');
  }
  expect((await fetchAs('/api/v1/runs')).status).toBe(200);
});

test('connections beyond the limit are closed, and the others go on', async () => {
  const { server, fetchAs } = await listening({ ...short, headersMs: 5000, requestMs: 5000 }, 20);
  const all = Array.from({ length: 60 }, () => raw(server.port));
  await sleep(300);
  const left = all.filter(({ socket }) => !socket.destroyed && !socket.closed);
  expect(left.length).toBeLessThanOrEqual(20);
  for (const { socket } of all) socket.destroy();
  await sleep(100);
  expect((await fetchAs('/api/v1/runs')).status).toBe(200);
});

test('the place of a stream is free when its client is gone without a word', async () => {
  const { server, run, api, admin } = await listening();
  const { name } = await run();
  const { socket, text } = raw(server.port);
  socket.write(
    `GET /api/v1/runs/${name}/events HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${admin}\r\n\r\n`,
  );
  while (!text().includes('run-started')) await sleep(10);
  expect(api.hub.size).toBe(1);
  socket.destroy();
  for (let i = 0; i < 100 && api.hub.size > 0; i++) await sleep(20);
  expect(api.hub.size).toBe(0);
});

test('a stop ends streams and idle connections at once, and lets a request under way finish', async () => {
  const { server, run, api, store, fetchAs } = await listening({ ...short, stopMs: 5000 });
  const { name, lease } = await run();
  const stream = await fetchAs(`/api/v1/runs/${name}/events`, { headers: { accept: 'text/event-stream' } });
  const waiting = fetchAs(`/api/v1/runs/${name}`, { headers: { prefer: 'wait=20' } });
  await sleep(200);
  api.hub.stop();
  const stopped = server.stop();
  expect(await stream.text()).toMatch(/event: closing\n/);
  await store.append(lease, 1, Date.now(), { events: finished.events, ...finished.entry });
  expect((await waiting).status).toBe(200);
  await stopped;
  await expect(fetchAs('/livez')).rejects.toThrow();
  open.pop();
});
