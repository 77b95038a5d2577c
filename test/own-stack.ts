import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, inject } from 'vitest';
import { lockPort } from './ports.ts';

/** Listens on a port; undefined when another process does. */
const listening = (port: number): Promise<Server | undefined> =>
  new Promise((resolve) => {
    const server = createServer().unref();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });

/**
 * Takes a stack that no other test file uses. Vitest may give one VITEST_POOL_ID to two workers, so each stack has a port
 * that its user holds. The system frees it when the process ends.
 */
async function ownStack(): Promise<Readonly<Record<string, string>>> {
  for (;;) {
    for (const env of inject('stacks')) {
      const lock = await listening(lockPort(Number(env.SLUICE_PORT_OFFSET)));
      if (!lock) continue;
      afterAll(() => void lock.close());
      return env;
    }
    await sleep(100);
  }
}

Object.assign(process.env, await ownStack());
