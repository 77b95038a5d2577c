import { createHash } from 'node:crypto';
import type { Cause } from '../domain/events.ts';

/** The namespace of the ids of runs and steps in lineage. A UUID of its own. */
const namespace = Buffer.from('8f1d3f0e5a5c4b6e9b8f2f6f0d0c7a31', 'hex');

/** A UUID that is always the same for a name (version 5, RFC 9562). */
function uuidOf(name: string): string {
  const bytes = createHash('sha1').update(namespace).update(name).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The `runId` in lineage of a run, or of a step of it. */
export const lineageIdOf = (project: string, run: string, step?: string): string =>
  uuidOf([project, run, ...(step === undefined ? [] : [step])].join('/'));

/** The place in a trace that a request came from (W3C Trace Context). Ids in hexadecimal. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: string;
}

/** The parts of a header `traceparent`; undefined for an invalid one, which is to be ignored. */
export function traceParentOf(header: string | null | undefined): TraceParent | undefined {
  const found = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(header?.trim() ?? '');
  if (!found) return undefined;
  const [, version, traceId = '', spanId = '', flags = '', more] = found;
  const isValid = version !== 'ff' && (version !== '00' || more === undefined);
  return isValid && /[^0]/.test(traceId) && /[^0]/.test(spanId) ? { traceId, spanId, flags } : undefined;
}

/** The part of a cause that says where in a trace the request was; nothing when the header is invalid. */
export function tracedBy(header: string | null | undefined): Pick<Cause, 'traceparent'> {
  const parent = traceParentOf(header);
  return parent ? { traceparent: `00-${parent.traceId}-${parent.spanId}-${parent.flags}` } : {};
}

const digest = (text: string, bytes: number): string =>
  createHash('sha256')
    .update(text)
    .digest('hex')
    .slice(0, 2 * bytes);

/** The trace of a run: the one that its cause belongs to, or one of its own. */
export const traceIdOf = (run: string, cause: Cause | undefined): string =>
  traceParentOf(cause?.traceparent)?.traceId ?? digest(`run:${run}`, 16);

/** A span of a run, by its place: the same whenever it is asked for. */
export const spanIdOf = (run: string, key: string): string => digest(`${run}/${key}`, 8);

export const attemptKey = (step: string, attempt: number): string => `step/${step}/attempt/${attempt}`;

/** The header `traceparent` for what an attempt calls; undefined when the cause of the run has none. */
export function traceparentFor(
  run: string,
  cause: Cause | undefined,
  step: string,
  attempt: number,
): string | undefined {
  const parent = traceParentOf(cause?.traceparent);
  return parent && `00-${parent.traceId}-${spanIdOf(run, attemptKey(step, attempt))}-${parent.flags}`;
}
