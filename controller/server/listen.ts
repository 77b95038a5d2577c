import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { reasonOf, SluiceError } from '../lib/errors.ts';

/** The longest headers of a request. Bytes. */
const maximumHeaderBytes = 16 << 10;

/** How often a stopping server closes the connections without a request. Milliseconds. */
const idleMs = 50;

/** Limits of connections. Milliseconds. */
export interface Patience {
  /** Until a client has sent its headers, and its whole request. */
  readonly headersMs: number;
  readonly requestMs: number;
  /** Without anything sent or received on a connection. */
  readonly keepAliveMs: number;
  /** For requests under way when the server stops. */
  readonly stopMs: number;
}
const patience: Patience = { headersMs: 10_000, requestMs: 30_000, keepAliveMs: 65_000, stopMs: 5000 };

export interface Listening {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** Takes no more connections, waits for requests under way, and closes. */
  stop(): Promise<void>;
}

type Fetch = Parameters<typeof getRequestListener>[0];

/**
 * Listens for HTTP. `appOf` makes the application once the port is known. Throws an unavailable SluiceError with the
 * code EADDRINUSE as its cause when another program has the port.
 */
export async function listen(
  appOf: (port: number) => { readonly fetch: Fetch },
  { host, port }: { readonly host: string; readonly port: number },
  maximumConnections: number,
  { headersMs, requestMs, keepAliveMs, stopMs }: Patience = patience,
): Promise<Listening> {
  let fetch: Fetch | undefined;
  const server = createServer(
    {
      maxHeaderSize: maximumHeaderBytes,
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      keepAliveTimeout: keepAliveMs,
      // How exactly the other limits hold.
      connectionsCheckingInterval: Math.min(1000, headersMs / 2),
    },
    getRequestListener((request, env) => (fetch as Fetch)(request, env), { overrideGlobalObjects: false }),
  );
  server.maxConnections = maximumConnections;
  // Also of a client that does not read its answer. A stream has a comment more often.
  server.setTimeout(keepAliveMs);
  const address = await bound(server, host, port);
  fetch = appOf(address.port).fetch;
  const shown = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    host,
    port: address.port,
    url: `http://${shown}:${address.port}`,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // A connection becomes idle when its request is answered.
      const idle = setInterval(() => server.closeIdleConnections(), idleMs);
      const timer = setTimeout(() => server.closeAllConnections(), stopMs);
      await closed;
      clearInterval(idle);
      clearTimeout(timer);
    },
  };
}

async function bound(server: Server, host: string, port: number): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve);
  }).catch((error: unknown) => {
    throw new SluiceError(`${host}:${port} cannot be listened on: ${reasonOf(error)}`, {
      kind: 'unavailable',
      hint: 'give another address: sluice serve --bind HOST:PORT, or serve.bind in conf/connections.yaml',
      cause: error,
    });
  });
  return server.address() as AddressInfo;
}
