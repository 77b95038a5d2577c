import { BlockList, isIP } from 'node:net';
import { rejected } from '../../lib/errors.ts';
import { Problem } from '../http/problem.ts';

const unsafe: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** `host:port` of a bind address, with an IPv6 address in brackets. */
export function splitBind(bind: string): { readonly host: string; readonly port: number } {
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(bind) ?? [];
  if (host === '' || Number(port) > 65_535)
    throw rejected(`${JSON.stringify(bind)} is no address to listen on`, 'write HOST:PORT, such as 127.0.0.1:8811');
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** Whether an address can be reached from this machine alone. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

/** The names in a Host header by which a server is known: `name` with its port, or with any when it names none. */
export function knownHosts(host: string, port: number, others: readonly string[]): (given: string) => boolean {
  const own = isIP(host) === 6 ? `[${host}]` : host;
  const bound = ['127.0.0.1', 'localhost', '[::1]', own].map((name) => `${name}:${port}`);
  const known = new Set([...bound, ...others].map((name) => name.toLowerCase()));
  return (given) => {
    const name = given.toLowerCase();
    return known.has(name) || known.has(name.replace(/:\d+$/, '')) || (port === 80 && known.has(`${name}:80`));
  };
}

/**
 * Refuses requests that a page of another site makes in a user's browser: by a name that it has made lead here
 * (rebinding), or across sites.
 */
export function assertSameSite(request: Request, isKnownHost: (host: string) => boolean): void {
  const { headers, method } = request;
  const host = headers.get('host') ?? '';
  if (!isKnownHost(host))
    throw new Problem(421, `this server is not known as ${JSON.stringify(host.slice(0, 100))}`, {
      hint: 'add the name to serve.hosts in conf/connections.yaml',
    });
  const site = headers.get('sec-fetch-site');
  const isForeign = site !== null && site !== 'same-origin' && site !== 'none';
  const origin = headers.get('origin');
  const isOther = origin !== null && (!URL.canParse(origin) || new URL(origin).host !== host.toLowerCase());
  if (isForeign || (unsafe.has(method) && isOther))
    throw new Problem(403, 'requests from pages of other sites are refused', { hint: 'call the API from a program' });
}

/**
 * Refuses a form that does not show where it comes from. Every browser of today names its origin; another site's has
 * been refused before.
 */
export function assertSameOrigin(headers: Headers): void {
  if (headers.get('sec-fetch-site') === 'same-origin' || headers.has('origin')) return;
  throw new Problem(403, 'a form is taken from a page of this server only', { hint: 'call the API from a program' });
}

/** Addresses and networks, such as 10.0.0.0/8. Throws a rejected SluiceError for any other text. */
export function networks(texts: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const text of texts) {
    const [address = '', bits] = text.split('/');
    const family = isIP(address);
    const most = family === 6 ? 128 : 32;
    if (family === 0 || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most)))
      throw rejected(
        `serve.proxy.from in conf/: ${JSON.stringify(text)} is no address or network`,
        'such as 10.0.0.0/8',
      );
    list.addSubnet(address, Number(bits ?? most), family === 6 ? 'ipv6' : 'ipv4');
  }
  return (address) => {
    // A socket for both families shows IPv4 addresses like this.
    const plain = address.replace(/^::ffff:(?=\d+\.)/, '');
    const family = isIP(plain);
    return family !== 0 && list.check(plain, family === 6 ? 'ipv6' : 'ipv4');
  };
}
