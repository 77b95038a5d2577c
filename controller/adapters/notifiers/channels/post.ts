import fetch from 'node-fetch';
import { retryAfterMs } from '../../../clients/retry-after.ts';
import { type Message, MessageDeferredError, type Notifier } from '../../../domain/ports/notifier.ts';
import { rejected, SluiceError } from '../../../lib/errors.ts';
import { redactor } from '../../../lib/redact.ts';

/** How long a server may take to answer, and how much of its answer is read. */
const answerMs = 10_000;
const answerBytes = 1 << 16;
/** The longest part of an answer that is stored. Characters. */
const quoted = 200;

/** A message as a request. Everything in `secrets` is kept out of errors. */
export interface Posting {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
  readonly secrets: readonly string[];
}

/** Errors of a connection that cannot have taken the message. */
const never = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

/**
 * A notifier that posts each message as JSON. `postingOf` looks the recipient up, and throws `rejected` for one that
 * conf/ does not have. `pauseOf` reads how long to wait from the text of an answer, in milliseconds.
 */
export const postingNotifier = (
  kind: string,
  postingOf: (message: Message) => Posting,
  pauseOf: (answer: string) => number | undefined = () => undefined,
): Notifier => ({
  async send(message) {
    const { url, headers, body, secrets } = postingOf(message);
    const what = `${kind} ${message.to}`;
    const redact = redactor([...secrets, url]);
    let status: number;
    let text: string;
    let retryAfter: string | null;
    try {
      const response = await fetch(url, {
        ...{ method: 'POST', body, redirect: 'manual', signal: AbortSignal.timeout(answerMs) },
        headers: { 'content-type': 'application/json', 'user-agent': 'sluice', ...headers },
      });
      ({ status } = response);
      retryAfter = response.headers.get('retry-after');
      text = await beginningOf(response.body);
    } catch (error) {
      throw faultOf(what, error);
    }
    if (status >= 200 && status < 300) return;
    const problem = `${what} answered ${status}: ${redact(text).slice(0, quoted)}`;
    if (status === 408 || status === 429 || status >= 500)
      throw new MessageDeferredError(problem, { forMs: retryAfterMs(retryAfter) ?? pauseOf(text) });
    throw rejected(problem);
  },
});

/** The beginning of an answer. Its status says what has become of the message, whatever comes after that. */
async function beginningOf(body: NodeJS.ReadableStream | null): Promise<string> {
  const chunks: Buffer[] = [];
  let left = answerBytes;
  try {
    for await (const chunk of body ?? []) {
      chunks.push(Buffer.from(chunk).subarray(0, left));
      left -= chunk.length;
      if (left <= 0) break;
    }
  } catch {
    // What has come is enough.
  }
  return String(Buffer.concat(chunks));
}

/** The library's message quotes the URL, which may be a secret: only the code of the error is told. */
function faultOf(what: string, error: unknown): SluiceError {
  const { code = '', name } = error as { code?: string; name?: string };
  if (code === 'ERR_INVALID_URL') return rejected(`${what}: its URL in conf/ is invalid`);
  if (never.has(code))
    return new SluiceError(`${what}: the server cannot be reached (${code})`, { kind: 'unavailable' });
  const isLate = name === 'AbortError' || name === 'TimeoutError';
  const how = isLate ? `no answer within ${answerMs / 1000} s` : `the connection broke${code && ` (${code})`}`;
  return new SluiceError(`${what}: ${how}`, { kind: 'unknown-outcome' });
}
