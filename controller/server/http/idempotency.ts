import { createHash } from 'node:crypto';
import { Problem } from './problem.ts';

/** A quoted text (RFC 8941, as the draft asks) or a bare token. */
const quoted = /^"((?:[ !#-[\]-~]|\\["\\])+)"$/;
const bare = /^[!#-+\--:<-[\]-~]+$/;

/** The key in an Idempotency-Key header; undefined without one. Throws a Problem for an invalid one. */
export function idempotencyKeyOf(headers: Headers): string | undefined {
  const given = headers.get('idempotency-key');
  if (given === null) return undefined;
  const key = quoted.exec(given)?.[1]?.replace(/\\(["\\])/g, '$1') ?? (bare.test(given) ? given : undefined);
  if (key !== undefined && key.length <= 255) return key;
  const message = 'must be 1 to 255 printable ASCII characters';
  throw new Problem(400, `the Idempotency-Key ${message}`, {
    details: [{ in: 'header', pointer: '/idempotency-key', message, hint: 'such as "2026-11-25-daily"' }],
  });
}

/** Identifies a request by what it asks: its route and its checked body, in which the order of names does not matter. */
export const fingerprintOf = (pattern: string, body: unknown): string =>
  createHash('sha256')
    .update(`${pattern}\n${canonical(body)}`)
    .digest('hex')
    .slice(0, 32);

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`)
    .join()}}`;
}
