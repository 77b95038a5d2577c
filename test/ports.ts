import { createServer } from 'node:net';

/** The ports of a stack without an offset; the lock is no service's. */
const lock = 7079;
const ports = [7077, 8080, 8081, 18080, 8998, 9092, 9093, 5433, 2525, 8025, lock];
/** Stacks that are a few of these apart share no port, whatever is up at the moment. */
const step = 10;
/** A worker's stack has a first one, and two that its tests may start beside it. */
const perWorker = 3 * step;

/** The port that a test file holds while it uses a stack. */
export const lockPort = (offset: number): number => lock + offset;

/** The offset of a further stack of the same worker. */
export const furtherOffset = (own: number, which: 1 | 2): number => own + which * step;

/** A port of 127.0.0.1 on which nothing listens. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

const free = (port: number): Promise<boolean> =>
  new Promise((answer) => {
    const server = createServer();
    server.once('error', () => answer(false));
    server.listen(port, '127.0.0.1', () => server.close(() => answer(true)));
  });

/** The offsets of so many workers' stacks. Nobody listens on any port that they and the further ones are to have. */
export async function freeOffsets(workers: number): Promise<number[]> {
  for (let tries = 0; tries < 100; tries++) {
    const first = 1000 + Math.floor(Math.random() * 12_000);
    const all = Array.from({ length: workers * 3 }, (_, i) => ports.map((port) => free(port + first + i * step)));
    if ((await Promise.all(all.flat())).every(Boolean))
      return Array.from({ length: workers }, (_, i) => first + i * perWorker);
  }
  throw new Error('no ports are free');
}
