import { sealSession, sessionMs } from '../../app/access/session.ts';
import { parseToken } from '../../app/access/token.ts';

/** With the prefix, a browser takes the cookie from this host by TLS alone. */
const nameOf = (isTls: boolean): string => (isTls ? '__Host-sluice-session' : 'sluice-session');

/** The value of a cookie; undefined without it. */
export function cookieOf(headers: Headers, name: string): string | undefined {
  for (const pair of (headers.get('cookie') ?? '').split(';')) {
    const [key = '', ...value] = pair.split('=');
    if (key.trim() === name) return value.join('=').trim();
  }
  return undefined;
}

/** A cookie of this server, for this site alone. An age of 0 removes it. */
export const cookie = (name: string, value: string, maxAgeSeconds: number, more = ''): string =>
  `${name}=${value}; Path=/; Max-Age=${maxAgeSeconds}; SameSite=Strict${more}`;

/** The session that a browser sends. */
export const sessionOf = (headers: Headers, isTls: boolean): string | undefined => cookieOf(headers, nameOf(isTls));

/** The cookie that begins a session with a token of the right form. */
export function beginSession(
  text: string,
  token: Parameters<typeof sealSession>[0] & { readonly expires: number | undefined },
  now: number,
  isTls: boolean,
): string {
  const expires = Math.min(now + sessionMs, token.expires ?? Number.POSITIVE_INFINITY);
  const value = sealSession(token, parseToken(text)?.secret ?? '', expires);
  return sessionCookie(value, Math.ceil((expires - now) / 1000), isTls);
}

/** The cookie that ends a session in the browser. */
export const endSession = (isTls: boolean): string => sessionCookie('', 0, isTls);

const sessionCookie = (value: string, seconds: number, isTls: boolean): string =>
  cookie(nameOf(isTls), value, seconds, `; HttpOnly${isTls ? '; Secure' : ''}`);
