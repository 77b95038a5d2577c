import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from './problem.ts';

/**
 * The version of a run: its name and the number of its last event, and of what else its document has. `also` is not
 * part of If-Match, because a mail that is sent meanwhile does not change the state of a run.
 */
export function etagOf(run: string, seq: number, also?: unknown): string {
  const rest =
    also === undefined ? '' : `.${createHash('sha256').update(JSON.stringify(also)).digest('hex').slice(0, 8)}`;
  return `"${run}:${seq}${rest}"`;
}

const tagsOf = (header: string): string[] => header.split(',').map((tag) => tag.trim().replace(/^W\//, ''));

/** Whether the client has this version already (If-None-Match). */
export function isKnown(headers: Headers, etag: string): boolean {
  const given = headers.get('if-none-match');
  return given !== null && tagsOf(given).some((tag) => tag === '*' || tag === etag);
}

/** The answer for a client that has this version already. */
export const notModified = (etag: string): Response => new Response(null, { status: 304, headers: { etag } });

/** Throws a Problem when the client has seen another state of the run (If-Match). */
export function assertMatches(headers: Headers, run: string, seq: number): void {
  const given = headers.get('if-match');
  if (given === null) return;
  const isSame = (tag: string): boolean => tag === '*' || tag.replace(/\.[0-9a-f]+"$/, '"') === etagOf(run, seq);
  // A weak tag never matches strongly.
  if (given.split(',').some((tag) => isSame(tag.trim()))) return;
  throw new Problem(412, `run ${run} has changed: it has ${seq} events now`, {
    hint: 'read it again, and decide on its state',
    headers: { etag: etagOf(run, seq) },
  });
}

/** The longest wait that `Prefer: wait=SECONDS` (RFC 7240) gets: less than a request may take. */
const longestWaitSeconds = 25;

/** How long the client would like to wait for the end. Milliseconds; 0 when it does not say. */
export function preferredWaitMs(headers: Headers): number {
  const [, seconds] = /(?:^|[\s,;])wait\s*=\s*"?(\d{1,6})"?(?:$|[\s,;])/i.exec(headers.get('prefer') ?? '') ?? [];
  return Math.min(Number(seconds ?? 0), longestWaitSeconds) * 1000;
}

/** Waits until something holds, or for the preferred time. Returns headers that say what was applied. */
export async function waitPreferred(
  headers: Headers,
  signal: AbortSignal,
  holds: () => Promise<boolean>,
): Promise<Record<string, string>> {
  const ms = preferredWaitMs(headers);
  if (ms === 0) return {};
  const until = performance.now() + ms;
  while (!(await holds()) && performance.now() < until && !signal.aborted)
    await sleep(Math.min(250, Math.max(0, until - performance.now())), undefined, { signal }).catch(() => undefined);
  return waited(ms);
}

/** The header that says how long the client could have waited. */
export const waited = (ms: number): Record<string, string> => ({ 'preference-applied': `wait=${ms / 1000}` });
