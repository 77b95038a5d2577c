import { createFirstToken } from '../app/access/first-token.ts';
import type { Project } from '../config/project.ts';
import { portOffset } from '../lib/env.ts';
import { rejected, SluiceError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { httpApp } from './app.ts';
import { isLoopback, knownHosts, splitBind } from './doors/origin.ts';
import type { Api } from './http/api.ts';
import { type Listening, listen } from './listen.ts';

/** The port of the API, beside those of the local stack. */
const defaultPort = 8811;

export interface Serving {
  readonly url: string;
  /** Refuses new requests, ends streams, and waits for requests under way. */
  stop(): Promise<void>;
}

/**
 * Where a server listens: what the command says, else conf/, else loopback. Throws a rejected SluiceError for an address
 * that other machines reach while no login is asked for.
 */
export function bindOf(
  { connections: { serve } }: Project,
  given: string | undefined,
): { readonly host: string; readonly port: number; readonly isChosen: boolean } {
  const wanted = given ?? serve.bind;
  const { host, port } = splitBind(wanted ?? `127.0.0.1:${defaultPort + Number(portOffset ?? 0)}`);
  const isOpen = serve.auth !== 'tokens' && !(serve.proxy && serve.auth === undefined);
  if (!isLoopback(host) && isOpen)
    throw rejected(
      `${host}:${port} is reached by other machines, and conf/ asks for no login there`,
      'write serve: { auth: tokens } in conf/connections.yaml, or listen on 127.0.0.1',
    );
  return { host, port, isChosen: wanted !== undefined };
}

/**
 * Serves the API. Returns undefined when another program has the default port: several controllers of one
 * machine are well, and one of them serves.
 */
export async function startServer(
  project: Project,
  api: Api,
  { host, port, isChosen }: ReturnType<typeof bindOf>,
  logger: Logger,
): Promise<Serving | undefined> {
  const settings = project.connections.serve;
  const appOf = (bound: number) => {
    const isKnownHost = knownHosts(host, bound, settings.hosts);
    return httpApp({ api, settings, isKnownHost, logger });
  };
  let listening: Listening;
  try {
    listening = await listen(appOf, { host, port }, settings.limits.connections);
  } catch (error) {
    const { code } = ((error as SluiceError).cause ?? {}) as NodeJS.ErrnoException;
    if (isChosen || code !== 'EADDRINUSE' || !(error instanceof SluiceError)) throw error;
    logger.log('warn', `${error.message}; this controller serves no API`);
    return undefined;
  }
  const file = await createFirstToken(api.store, project.home, api.owner(), api.now());
  if (file !== undefined) logger.log('info', `the first token of the API, which may do everything, is in ${file}`);
  logger.log('info', `the pages and the API are at ${listening.url}`, { url: listening.url });
  return {
    url: listening.url,
    async stop() {
      api.hub.stop();
      await listening.stop();
    },
  };
}
