import fetch from 'node-fetch';
import { retryAfterMs } from '../../../clients/retry-after.ts';
import { RetryAfterError, type TaskRunner } from '../../../domain/ports/task.ts';
import { rejected, SluiceError } from '../../../lib/errors.ts';
import { redactedBody, redactor } from '../../../lib/redact.ts';
import { variablesIn } from '../../../lib/variables.ts';
import { render } from '../../../pipeline/template.ts';
import type { HttpCall } from './driver.ts';

/** The longest response that a run's history holds. Bytes. */
const longestAnswer = 1 << 18;

/**
 * Requests to HTTP APIs. Values from the environment appear in the request only; `redactor` removes them from
 * responses.
 */
export function httpTaskRunner(variables: Readonly<Record<string, string | undefined>>): TaskRunner {
  return {
    async run({ step, key, values, traceparent, signal }) {
      const request = step.http as HttpCall;
      const redact = redactor(variablesIn(JSON.stringify(request)).flatMap((name) => variables[name] ?? []));
      const { url, headers, body } = render(
        { url: request.url, headers: request.headers, body: request.body },
        values,
        variables,
      ) as {
        url: string;
        headers: Record<string, string>;
        body: unknown;
      };
      const where = `${request.method} ${redact(origin(url))}`;
      if (!URL.canParse(url)) throw rejected(`${where}: invalid URL`, 'correct http.url');
      let status: number;
      let text: string;
      let retryAfter: string | null;
      try {
        const response = await fetch(url, {
          method: request.method,
          headers: {
            accept: 'application/json',
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            'idempotency-key': key,
            ...(traceparent !== undefined && { traceparent }),
            ...headers,
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          redirect: 'manual',
          size: longestAnswer,
          signal,
        });
        status = response.status;
        retryAfter = response.headers.get('retry-after');
        text = await response.text();
      } catch (error) {
        if ((error as { type?: string }).type === 'max-size')
          throw rejected(`${where}: the answer is longer than ${longestAnswer / 1024} KiB`);
        throw broken(where, error);
      }
      if (request.expect.includes(status)) return { status, body: redactedBody(text, redact) };
      const message = `${where} answered ${status}, expected ${request.expect.join(' or ')}: ${redact(text).slice(0, 200)}`;
      if (status === 429 || status >= 500) throw new RetryAfterError(message, retryAfterMs(retryAfter));
      throw rejected(message);
    },
  };
}

/**
 * The response is missing or incomplete. The library's message may quote the URL with its token, so only the error code
 * is reported.
 */
function broken(where: string, error: unknown): SluiceError {
  const { code = '', name } = error as { code?: string; name?: string };
  if (['ERR_INVALID_CHAR', 'ERR_INVALID_HTTP_TOKEN'].includes(code))
    return rejected(`${where}: a header has a character that HTTP does not allow`, 'correct http.headers');
  const how = name === 'AbortError' ? 'stopped before it was answered' : `the connection broke${code && ` (${code})`}`;
  return new SluiceError(`${where}: ${how}`, { kind: 'unknown-outcome' });
}

/** The URL without login and query, which may hold tokens. */
const origin = (url: string): string => (url.split(/[?#]/, 1)[0] as string).replace(/:\/\/[^/]*@/, '://***@');
