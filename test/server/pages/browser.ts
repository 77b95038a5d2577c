import { world } from '../world.ts';

const origin = 'http://127.0.0.1:8811';

interface Sent {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | FormData;
  /** Instead of the jar's. */
  readonly cookie?: string;
  /** Of a form; null for none. */
  readonly origin?: string | null;
  readonly env?: object;
}

/** A request by this address. */
export const bindings = (remoteAddress: string): Pick<Sent, 'env'> => ({
  env: { incoming: { socket: { remoteAddress } } },
});

/** A form as a browser sends it. */
export const form = (fields: Readonly<Record<string, string>>): Sent & { readonly body: string } => ({
  method: 'POST',
  body: new URLSearchParams(fields).toString(),
});

type Given = NonNullable<Parameters<typeof world>[0]> & { readonly isLoggedIn?: boolean; readonly as?: string };

/** A browser that keeps cookies, at a server without a socket. It does not follow redirections by itself. */
export async function browser({ isLoggedIn = true, ...given }: Given = {}) {
  const server = await world(given);
  const jar = new Map<string, string>();
  const visit = async (path: string, sent: Sent = {}): Promise<Response> => {
    const { method = 'GET', headers = {}, body, env } = sent;
    const from = sent.origin === undefined ? origin : sent.origin;
    const cookie = sent.cookie ?? [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await server.app.request(
      `${origin}${path}`,
      {
        method,
        headers: {
          host: '127.0.0.1:8811',
          accept: 'text/html',
          ...(cookie !== '' && { cookie }),
          ...(method !== 'GET' && from !== null && { origin: from }),
          ...(typeof body === 'string' && { 'content-type': 'application/x-www-form-urlencoded' }),
          ...headers,
        },
        ...(body !== undefined && { body }),
      },
      env as never,
    );
    for (const each of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (each.split(';')[0] ?? '').split('=');
      if (each.includes('Max-Age=0')) jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  };
  /** Logs in with another token. */
  const enter = async (token: string): Promise<void> => {
    await visit('/login', form({ token }));
  };
  if (isLoggedIn) await enter(server.admin);
  return { server, visit, enter, session: jar.get('sluice-session') ?? '' };
}
