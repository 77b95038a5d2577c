import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** A request as far as it decides who may read the mailbox. */
interface Asked {
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/**
 * The status of a refusal, or undefined for a request that may pass: the rules of `Door.java`. 421: a Host that is not this
 * machine's, or a request that a page of another site has the browser send; 401: without the secret.
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
