import { rejected } from '../errors.ts';

/** A server's address as a URL gives it. */
export interface ServerUrl {
  readonly protocol: string;
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Without the slash that it begins with. */
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/**
 * Reads `scheme://user:password@host:port/path?name=value`. A password is taken as it is written, whatever characters it has,
 * unless it is percent-encoded. Throws a rejected SluiceError, which does not repeat the URL, for one that cannot be read or
 * asks for a parameter that is not in `known`: nothing in it is ignored.
 */
export function serverUrl(key: string, text: string, example: string, known: readonly string[] = []): ServerUrl {
  // A password may hold what ends the host of a URL, and so the last @ parts the two.
  const [, protocol = '', login, rest = ''] = /^([a-z]+):\/\/(?:(.*)@)?([^@]+)$/s.exec(text) ?? [];
  const plain = `${protocol}://${rest}`;
  if (!protocol || !URL.canParse(plain)) throw rejected(`${key} in conf/ is not a URL`, `write it as ${example}`);
  const url = new URL(plain);
  const parameters = Object.fromEntries(url.searchParams);
  const other = Object.keys(parameters).find((name) => !known.includes(name));
  if (other !== undefined)
    throw rejected(
      `${key} in conf/ (${url.host}) asks for ${JSON.stringify(other)}, which is not supported`,
      known.length === 0 ? 'leave it out' : `leave it out; ${known.join(' and ')} are`,
    );
  const [user, password] = login === undefined ? [] : [login.split(':', 1)[0], /^[^:]*:(.*)$/s.exec(login)?.[1]];
  return {
    protocol,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? undefined : Number(url.port),
    user: user ? decoded(user) : undefined,
    password: password ? decoded(password) : undefined,
    path: decoded(url.pathname.slice(1)),
    parameters,
  };
}

/** Percent-decoded where that is what it is. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
