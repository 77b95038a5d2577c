import fetch, { type RequestInit } from 'node-fetch';
import { SluiceError } from '../lib/errors.ts';

/** A response: its status and text, and its body when that is JSON. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly text: string;
}

/** Request timeouts. Reading can be repeated, so it is given up sooner. Milliseconds. */
const timeouts = { write: 30_000, read: 4_000 };

/** The longest response that is read, decompressed. Bytes. */
const longestAnswer = 16 << 20;

/**
 * Sends one HTTP request. Throws `unavailable` for a request that cannot have left (refused, unknown host), and
 * `unknown-outcome` for one that may have arrived. Every status is a normal result.
 */
export async function request(
  url: string,
  init: RequestInit & { readonly headers?: Record<string, string> } = {},
): Promise<Answer> {
  const timeout = init.method === undefined ? timeouts.read : timeouts.write;
  let status = 0;
  try {
    const response = await fetch(url, {
      ...init,
      headers: { 'accept-encoding': 'identity', ...init.headers },
      redirect: 'manual',
      size: longestAnswer,
      signal: AbortSignal.timeout(timeout),
    });
    status = response.status;
    const text = await response.text();
    return { status, text, body: parsed(text) };
  } catch (error) {
    const code = (error as { code?: string }).code ?? '';
    const never = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ERR_INVALID_URL'];
    const { origin, pathname } = URL.canParse(url) ? new URL(url) : { origin: url, pathname: '' };
    const what = `${init.method ?? 'GET'} ${pathname}`;
    if (never.includes(code))
      throw new SluiceError(`${origin} does not answer (${code})`, { kind: 'unavailable', cause: error });
    const late = (error as Error).name === 'AbortError' || (error as Error).name === 'TimeoutError';
    const broken = `the connection broke${code ? ` (${code})` : ''}`;
    const long = (error as { type?: string }).type === 'max-size';
    const tooLong = `the answer is longer than ${longestAnswer >> 20} MiB`;
    const how = late ? `no answer within ${timeout / 1000} s` : long ? tooLong : broken;
    throw new SluiceError(`${origin}: ${what}: ${how}`, { kind: 'unknown-outcome', cause: error });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
