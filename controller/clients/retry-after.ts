/** The longest pause that a service can request. Milliseconds. */
const maximumWaitMs = 3_600_000;

/** Retry-After, in seconds or as a date (RFC 9110, 10.2.3), as milliseconds from now; at most one hour. */
export function retryAfterMs(header: string | null, now = Date.now()): number | undefined {
  if (header === null || header.trim() === '') return undefined;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.min(maximumWaitMs, Math.max(0, ms));
}
