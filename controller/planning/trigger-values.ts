import type { Cause } from '../domain/events.ts';
import type { Values } from '../domain/plan.ts';

/**
 * The values of `trigger` in conditions: what started the run, when it was due, what it knows, and the values of
 * `with`. `now` is when the run started, for one that no trigger started. Milliseconds since 1970.
 */
export function triggerValues(cause: Cause | undefined, now: number): Values {
  const { kind = 'command', trigger: name = '', key = '', by = '', due = now, facts = {} } = cause ?? {};
  const time = wallTime(cause, now);
  const date = time.slice(0, 10);
  const weekday = BigInt(new Date(`${date}T00:00:00Z`).getUTCDay() || 7);
  const known = { name, kind, key, by, due: new Date(due), time, date, weekday, with: exact(cause?.with ?? {}) };
  return { trigger: { ...(exact(facts) as Values), ...known } };
}

/** The wall time for which a schedule fired; of other runs, when they were due or started, in UTC. */
export const wallTime = (cause: Cause | undefined, now: number): string =>
  cause?.time ?? new Date(cause?.due ?? now).toISOString().slice(0, 16);

/** JSON with its whole numbers as integers, which CEL does not compare with others. */
function exact(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(exact);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, exact(of)]));
}

/**
 * The files of a source that were still written at the last firing: a run does not read them, and their own firing
 * starts another one.
 */
export function pendingFiles(causes: readonly (Cause | undefined)[], source: string): readonly string[] {
  const last = causes.findLast((cause) => cause?.facts !== undefined)?.facts?.pending;
  const paths = (last as Readonly<Record<string, unknown>> | undefined)?.[source];
  return Array.isArray(paths) ? paths.map(String) : [];
}
