import fetch from 'node-fetch';
import { reasonOf, rejected, SluiceError } from '../errors.ts';
import type { HttpCall } from '../pipeline/schema.ts';
import { render } from '../pipeline/template.ts';
import { variablesIn } from '../pipeline/variables.ts';
import type { Answer } from '../run/events.ts';
import { Busy, type Caller } from './port.ts';

/** The longest answer that is kept in a run's history. Bytes. */
const longestAnswer = 1 << 18;
/** The longest pause a service can ask for. Milliseconds. */
const longestWait = 3_600_000;
/** A secret shorter than this would be found in any text. */
const shortestSecret = 4;

/**
 * Requests to HTTP APIs. What came out of the environment goes into the request and nowhere else: should the service give
 * it back, it is struck out.
 */
export function httpCaller(variables: Readonly<Record<string, string | undefined>>): Caller {
  return {
    async call({ step, key, values, signal }) {
      const call = step.http as HttpCall;
      const secrets = variablesIn(JSON.stringify(call)).flatMap((name) => variables[name] ?? []);
      const { url, headers, body } = render(
        { url: call.url, headers: call.headers, body: call.body },
        values,
        variables,
      ) as {
        url: string;
        headers: Record<string, string>;
        body: unknown;
      };
      const where = `${call.method} ${redacted(origin(url), secrets)}`;
      if (!URL.canParse(url)) throw rejected(`${where}: that is no URL`, 'correct http.url');
      let status: number;
      let text: string;
      let retryAfter: string | null;
      try {
        const response = await fetch(url, {
          method: call.method,
          headers: {
            accept: 'application/json',
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            'idempotency-key': key,
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
        throw broken(where, redacted(reasonOf(error), secrets));
      }
      const said = redacted(text, secrets);
      if (call.expect.includes(status)) return { status, body: parsed(said) };
      const message = `${where} answered ${status}, expected ${call.expect.join(' or ')}: ${said.slice(0, 200)}`;
      if (status === 429 || status >= 500) throw new Busy(message, waitOf(retryAfter));
      throw rejected(message);
    },
  };
}

/** Nothing came back, or not all. The error itself may tell the address with its token, and goes no further. */
const broken = (where: string, reason: string): SluiceError =>
  new SluiceError(`${where}: ${reason}`, { kind: 'unknown-outcome' });

/** Retry-After as seconds or a date (RFC 9110, 10.2.3), in milliseconds from now; an hour at most. */
export function waitOf(header: string | null, now = Date.now()): number | undefined {
  if (header === null || header.trim() === '') return undefined;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.min(longestWait, Math.max(0, ms));
}

/** Without its query, which may hold a token of its own. */
const origin = (url: string): string => url.split('?', 1)[0] as string;

const redacted = (text: string, secrets: readonly string[]): string =>
  secrets
    .filter((secret) => secret.length >= shortestSecret)
    .reduce((clean, secret) => clean.replaceAll(secret, '***'), text);

function parsed(text: string): Answer['body'] {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
