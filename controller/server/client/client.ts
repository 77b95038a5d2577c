import type { z } from 'zod';
import { SluiceError } from '../../lib/errors.ts';
import { fullPath, type Route } from '../http/route.ts';

/** A server and what it asks for. The token is never in a URL, an error or a log. */
export interface ServerAddress {
  readonly url: string;
  readonly token: string | undefined;
}

/** The parts of a call, as the route's schemas take them. */
interface Call<P, Q, B> {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The longest that a call may take: the server's own limit, and the way. Milliseconds. */
const timeoutMs = 40_000;

/** The status of the problem that a server answered. */
export const statusOf = (error: unknown): number | undefined => {
  const { cause } = (error ?? {}) as { cause?: { status?: unknown } };
  return typeof cause?.status === 'number' ? cause.status : undefined;
};

/**
 * Calls a route of a server. The types of the request and of the answer are the route's. Throws a SluiceError with the
 * server's message and hint; unavailable when the server cannot be reached.
 */
export async function call<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType, R extends z.ZodType>(
  { url, token }: ServerAddress,
  of: Route<P, Q, B, R>,
  { params, query, body, headers = {} }: Call<z.input<P>, z.input<Q>, z.input<B>> = {},
): Promise<z.output<R>> {
  const values = (params ?? {}) as Readonly<Record<string, unknown>>;
  const path = fullPath(of as never).replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(String(values[name])));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {}))
    for (const each of [value].flat()) if (each !== undefined) search.append(name, String(each));
  const target = `${url.replace(/\/+$/, '')}${path}${search.size > 0 ? `?${search}` : ''}`;
  let response: Response;
  let text: string;
  try {
    response = await fetch(target, {
      method: of.method,
      headers: {
        accept: 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    text = await response.text();
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as { code?: string };
    throw new SluiceError(`${url} does not answer${code === undefined ? '' : ` (${code})`}`, {
      kind: 'unavailable',
      hint: 'is `sluice serve` running there?',
      cause: error,
    });
  }
  if (!response.ok) throw problemOf(url, response.status, text);
  return of.response?.parse(JSON.parse(text)) as z.output<R>;
}

/** The error for a problem that a server answered. */
function problemOf(url: string, status: number, text: string): SluiceError {
  const { detail, hint, errors } = parsed(text);
  const first = Array.isArray(errors) ? (errors[0] as { hint?: unknown }) : undefined;
  const advice = status === 401 ? 'set SLUICE_TOKEN to a token of that server' : (hint ?? first?.hint);
  return new SluiceError(typeof detail === 'string' ? detail : `${url} answered ${status}`, {
    kind: status >= 500 || status === 429 ? 'unavailable' : 'rejected',
    ...(typeof advice === 'string' && { hint: advice }),
    cause: { status },
  });
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
