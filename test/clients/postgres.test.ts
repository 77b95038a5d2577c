import { createServer, type Socket } from 'node:net';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { postgresReader } from '../../controller/adapters/sources/postgres/postgres.ts';

/** A server that accepts every login and then never responds. */
const sockets: Socket[] = [];
const server = createServer((socket) => {
  sockets.push(socket);
  // AuthenticationOk and ReadyForQuery.
  socket.once('data', () => socket.write(Buffer.from('52000000080000000' + '05a0000000549', 'hex')));
});
afterEach(() => void vi.useRealTimers());
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

test('a server that accepts the connection and never responds is unavailable, and its connection is destroyed', async () => {
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const reader = postgresReader(() => ({
    host: '127.0.0.1',
    port,
    database: 'shop',
    user: 'u',
    password: undefined,
    passfile: undefined,
  }));
  const refused = reader
    .profile('orders', { postgres: 'db', table: 'orders', key: 'id' })
    .catch((error: unknown) => error);
  while ((await Promise.race([refused, new Promise((resolve) => setImmediate(resolve))])) === undefined)
    await vi.advanceTimersByTimeAsync(100);
  expect(await refused).toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining(`127.0.0.1:${port}`),
  });
  await reader.close();
  expect(sockets).toHaveLength(1);
  await vi.waitFor(() => expect(sockets[0]?.destroyed || sockets[0]?.readableEnded).toBe(true));
});
