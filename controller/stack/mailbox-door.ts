import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** The parts of a request that decide whether it may read the mailbox. */
interface Asked {
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/**
 * The status of a refusal, or undefined for an allowed request: the rules of `Door.java`. 421: the Host is not this
 * machine's, or a page of another site caused the request. 401: the login is missing or wrong.
 */
export function refusal({ method, headers }: Asked, login: { user: string; password: string }): 401 | 421 | undefined {
  const sluice = String(headers['sec-fetch-site'] ?? 'none');
  const isLink = method === 'GET' && headers['sec-fetch-mode'] === 'navigate';
  const foreign = ['cross-site', 'same-site'].includes(sluice) && !isLink;
  if (!isLoopback(`http://${headers.host ?? ''}`) || foreign) return 421;
  if (headers.origin !== undefined && !isLoopback(headers.origin)) return 421;
  const expected = Buffer.from(`Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`);
  const given = Buffer.from(headers.authorization ?? '');
  return given.length === expected.length && timingSafeEqual(given, expected) ? undefined : 401;
}

const isLoopback = (url: string): boolean =>
  URL.canParse(url) && ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
