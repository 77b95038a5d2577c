import { rejected } from '../lib/errors.ts';

/** The parts of a server's URL. */
export interface ServerUrl {
  readonly protocol: string;
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Without its leading slash. */
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/**
 * Splits `scheme://login@host…`. A password that is not percent-encoded may contain characters that end the host of a
 * URL. Undefined for an ambiguous text, and for one that is not a URL with a lower-case scheme.
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
 * Parses `scheme://user:password@host:port/path?name=value`. A password is taken literally, with any characters, unless
 * it is percent-encoded. Throws a rejected SluiceError, which does not repeat the URL, when it is invalid or has a
 * parameter outside `known`.
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

/** The percent-decoded text; the text itself when it is not percent-encoded. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
