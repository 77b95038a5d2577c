import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';
import { waiting } from './world.ts';

/** Spark's side: a step whose SQL waits at the gate. The test's side: what lets it through. */
export interface Gate {
  readonly sql: string;
  /** From now on the step goes on at once, and so do its further attempts. */
  open(): void;
}

const closers: (() => void)[] = [];
afterAll(() => {
  for (const close of closers) close();
});

/** SQL that runs until the test says so: its two tasks ask a server of the test, which answers when the gate is open. */
export async function gate(): Promise<Gate> {
  let isOpen = false;
  const waiters: ServerResponse[] = [];
  const server = createServer((_, response) => {
    if (isOpen) response.end();
    else waiters.push(response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return {
    sql: waiting(`'scala.io.Source', 'fromURL', 'http://127.0.0.1:${port}/', 'UTF-8'`),
    open() {
      isOpen = true;
      for (const waiter of waiters) waiter.end();
    },
  };
}
