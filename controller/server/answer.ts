import type { StreamLimit } from './doors/limits.ts';
import type { Api } from './http/api.ts';
import { bodyOf, paramsOf, queryOf, rawBody } from './http/input.ts';
import { Problem } from './http/problem.ts';
import type { AnyRoute, Principal, Reply } from './http/route.ts';
import { eventStream, type StreamOptions, wantsStream } from './streams/sse.ts';

export interface AnswerDeps {
  readonly api: Api;
  readonly places: StreamLimit;
  /** The longest time for an answer. Milliseconds. */
  readonly answerMs: number;
  readonly streams?: Pick<StreamOptions, 'heartbeatMs' | 'stalledMs'> | undefined;
}

/** The answer of a route to an admitted request. Throws a Problem for an invalid one, and whatever the route throws. */
export async function answerOf(
  of: AnyRoute,
  request: Request,
  principal: Principal,
  given: Readonly<Record<string, string>>,
  isTls: boolean,
  { api, places, answerMs, streams }: AnswerDeps,
): Promise<Response> {
  const { headers } = request;
  const url = new URL(request.url);
  const asked = of.isPage ? filled(url.searchParams) : url.searchParams;
  const [params, query] = [paramsOf(of, given), queryOf(of, asked)];
  const raw = of.method === 'GET' ? new Uint8Array() : await rawBody(request, of.maximumBytes);
  const body = bodyOf(of, headers, raw);
  const isStream = request.method === 'GET' && of.also?.['text/event-stream'] !== undefined && wantsStream(headers);
  const free = isStream ? places.take(principal.id) : undefined;
  const { signal, late, cancel } = deadline(request.signal, answerMs);
  const stream =
    free && ((events: Parameters<typeof eventStream>[0]) => eventStream(events, { ...streams, onClose: free }));
  try {
    return responseOf(
      of,
      await Promise.race([
        of.handler({ api, principal, params, query, body, raw, headers, url, isTls, signal, stream }),
        late,
      ]),
    );
  } catch (error) {
    free?.();
    throw error;
  } finally {
    cancel();
  }
}

/** Without the empty fields that forms send. */
const filled = (given: URLSearchParams): URLSearchParams =>
  new URLSearchParams([...given].filter(([, value]) => value !== ''));

function responseOf(of: AnyRoute, reply: Reply<unknown> | Response): Response {
  if (reply instanceof Response) return reply;
  const status = reply.status ?? of.status ?? 200;
  const headers = { 'cache-control': 'no-store', ...reply.headers };
  if (reply.body === undefined) return new Response(null, { status, headers });
  return new Response(JSON.stringify(reply.body), {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  });
}

/** A signal that aborts when the client leaves or the time is over, and a rejection for the second. */
function deadline(client: AbortSignal, ms: number): { signal: AbortSignal; late: Promise<never>; cancel: () => void } {
  const over = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      over.abort();
      reject(new Problem(503, `no answer within ${ms / 1000} s`, { headers: { 'retry-after': '5' } }));
    }, ms);
  });
  return { signal: AbortSignal.any([client, over.signal]), late, cancel: () => clearTimeout(timer) };
}
