import { rejected } from '../lib/errors.ts';

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
 * Parts `scheme://login@host…`. A password that is not percent-encoded may hold what ends the host of a URL; undefined for what
 * can then be read in two ways, as for what is no URL with a scheme in lower case.
 */
export function partsOf(text: string): { protocol: string; login: string | undefined; rest: string } | undefined {
  const [, protocol, all] = /^([a-z]+):\/\/(.+)$/s.exec(text) ?? [];
  if (protocol === undefined || all === undefined) return undefined;
  const end = all.search(/[/?#]|$/);
  const authority = all.slice(0, end);
  const isLater = all.includes('@', end);
  if (isLater && (authority.includes('@') || /^(\[.*\]|[^:]*)(:\d*)?$/.test(authority))) return undefined;
  const at = isLater ? all.lastIndexOf('@') : authority.lastIndexOf('@');
  const rest = all.slice(at + 1);
  if (!URL.canParse(`${protocol}://${rest}`)) return undefined;
  return { protocol, login: at < 0 ? undefined : all.slice(0, at), rest };
}

/**
 * Reads `scheme://user:password@host:port/path?name=value`. A password is taken as it is written, whatever characters it has,
 * unless it is percent-encoded. Throws a rejected SluiceError, which does not repeat the URL, for one that cannot be read or
 * has a parameter that is not in `known`: nothing in it is ignored.
 */
export function serverUrl(
  key: string,
  text: string,
  schemes: readonly string[],
  example: string,
  known: readonly string[] = [],
): ServerUrl {
  const parts = partsOf(text);
  if (!parts || !schemes.includes(parts.protocol))
    throw rejected(
      `${key} in conf/ is not a URL of ${schemes.join(' or ')}`,
      `write it as ${example}, with other characters percent-encoded, such as @ as %40`,
    );
  const { protocol, login, rest } = parts;
  const url = new URL(`${protocol}://${rest}`);
  const parameters = Object.fromEntries(url.searchParams);
  const other = Object.keys(parameters).find((name) => !known.includes(name));
  if (other !== undefined)
    throw rejected(
      `${key} in conf/ (${url.host}) sets ${JSON.stringify(other)}, which is not supported`,
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
