import { isSessionOf, parseSession } from '../../app/access/session.ts';
import { isSecretOf, parseToken } from '../../app/access/token.ts';
import type { ServeSettings } from '../../config/serve.ts';
import type { ApiToken, Scope, TokenStore } from '../../domain/ports/tokens.ts';
import { matchesGlob } from '../../lib/glob.ts';
import { Problem } from '../http/problem.ts';
import type { Principal } from '../http/route.ts';

/** The scopes of the users that a proxy names, by their roles. */
const roles: Readonly<Record<'viewer' | 'operator' | 'admin', readonly Scope[]>> = {
  viewer: ['read'],
  operator: ['read', 'data', 'runs:write', 'triggers:write'],
  admin: ['admin'],
};

/** Whether a principal has a scope. */
export const grants = ({ scopes }: Principal, scope: Scope): boolean =>
  scopes.includes(scope) || scopes.includes('admin');

interface Door {
  readonly tokens: TokenStore;
  readonly settings: Pick<ServeSettings, 'auth' | 'proxy'>;
  readonly isProxy: (address: string) => boolean;
  readonly now: () => number;
}

/** The outcome of a login: a principal, or why there is none. Texts never contain the token. */
type Login = Principal | { readonly refused: string; readonly isWithout?: true };

/**
 * Finds who sends a request: by a token, by a trusted proxy's header, by the session of a browser, or without when conf/
 * asks for none.
 */
export async function login(
  headers: Headers,
  address: string,
  door: Door,
  session: string | undefined,
): Promise<Login> {
  const authorization = headers.get('authorization');
  if (authorization !== null) return byToken(/^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? '', door);
  const { proxy, auth } = door.settings;
  const user = proxy && door.isProxy(address) ? headers.get(proxy.header) : null;
  if (proxy && user !== null) {
    const [role] = (['admin', 'operator', 'viewer'] as const).filter((name) =>
      proxy.roles[name].some((glob) => matchesGlob(glob, user)),
    );
    if (!role) return { refused: 'the user that the proxy names has no role' };
    return { id: `user:${user}`, name: user, token: undefined, scopes: roles[role], pipelines: ['*'] };
  }
  if (session !== undefined && auth !== 'none') return bySession(session, door);
  if (auth === 'none') return { id: 'anyone', name: 'anyone', token: undefined, scopes: ['admin'], pipelines: ['*'] };
  return { refused: 'there is no token', isWithout: true };
}

type TokenDoor = Pick<Door, 'tokens' | 'now'>;

/** Finds who has a token. */
export async function byToken(text: string, door: TokenDoor): Promise<Login> {
  const given = parseToken(text);
  if (!given) return { refused: 'the token is malformed' };
  const token = await door.tokens.token(given.id);
  if (!token || !isSecretOf(token, given.secret)) return { refused: 'the token is unknown' };
  return entered(token, door);
}

async function bySession(text: string, door: TokenDoor): Promise<Login> {
  const given = parseSession(text);
  if (!given) return { refused: 'the session is malformed' };
  const token = await door.tokens.token(given.id);
  if (!token || !isSessionOf(token, text)) return { refused: 'the session is unknown' };
  if (given.expires <= door.now()) return { refused: `the session of token ${token.id} has expired` };
  return entered(token, door);
}

/** The principal of a token whose secret was shown, unless the token has ended. */
async function entered(token: ApiToken, { tokens, now }: TokenDoor): Promise<Login> {
  if (token.revoked !== undefined) return { refused: `token ${token.id} was revoked` };
  if (token.expires !== undefined && token.expires <= now()) return { refused: `token ${token.id} has expired` };
  // Best effort: a request does not fail for its statistics.
  await tokens.tokenUsed(token.id, now()).catch(() => undefined);
  return { id: token.id, name: token.name, token: token.id, scopes: token.scopes, pipelines: token.pipelines };
}

/** The answer to a request whose login was refused. */
export const unauthenticated = (): Problem =>
  new Problem(401, 'a valid token is required', {
    hint: 'send Authorization: Bearer TOKEN; `sluice token create` makes one',
    headers: { 'www-authenticate': 'Bearer realm="sluice"' },
  });

/** Throws a Problem when a principal lacks the scope of a route. */
export function assertScope(principal: Principal, scope: Scope): void {
  if (grants(principal, scope)) return;
  throw new Problem(403, `the token lacks the scope ${scope}`, {
    hint: `create one with it: sluice token create NAME --scope ${scope}`,
    headers: { 'www-authenticate': `Bearer realm="sluice", error="insufficient_scope", scope="${scope}"` },
  });
}
