import { takeoverLine } from '../../domain/controller-id.ts';
import type { Recorded } from '../../domain/events.ts';

/** A stretch of a run. Milliseconds; `ms` is undefined while it lasts. */
export interface Phase {
  readonly what: string;
  readonly from: number;
  readonly ms: number | undefined;
  /** How it ended, and the reaction. */
  readonly outcome: string;
  /** Milliseconds by part of the attempt. */
  readonly parts: Readonly<Record<string, number>>;
}

interface Open {
  readonly what: string;
  readonly from: number;
  readonly parts: Record<string, number>;
  /** The start of the last part. */
  since: number;
  awaySince?: number;
}

/** The phases of a run in the order of their starts, from its history alone. */
export function timelineOf(history: readonly Recorded[]): Phase[] {
  const phases: (Phase & { order: number })[] = [];
  const open = new Map<string, Open>();
  const begin = (key: string, what: string, at: number): void => {
    open.set(key, { what, from: at, parts: {}, since: at });
  };
  const end = (key: string, at: number | undefined, outcome = ''): void => {
    const span = open.get(key);
    if (!span) return;
    open.delete(key);
    const ms = at === undefined ? undefined : at - span.from;
    phases.push({ what: span.what, from: span.from, ms, outcome, parts: span.parts, order: span.from });
  };
  const part = (key: string, name: string, at: number): void => {
    const span = open.get(key);
    if (!span) return;
    span.parts[name] = (span.parts[name] ?? 0) + (at - span.since);
    span.since = at;
  };
  const moment = (what: string, from: number, ms: number, outcome: string): void => {
    phases.push({ what, from, ms, outcome, parts: {}, order: from });
  };
  for (const { at, event } of history) {
    switch (event.type) {
      case 'run-started':
        begin('run', 'measuring', at);
        break;
      case 'queued':
        end('run', at);
        begin('run', `queued behind ${event.behind.join(', ')}`, at);
        break;
      case 'queue-left':
        end('run', at);
        begin('run', 'measuring', at);
        break;
      case 'sources-reached':
        moment('sources away', at - event.waitedMs, event.waitedMs, '');
        break;
      case 'controller-failed':
        moment('error', at, 0, event.reason);
        break;
      case 'sources-measured':
        if (open.get('run')?.what.startsWith('queued')) part('run', 'then measuring', at);
        end('run', at);
        begin('run', 'planning', at);
        break;
      case 'planned':
        end('run', at, `branch ${event.plan.choice.branch ?? 'none'}`);
        break;
      case 'inputs-lost':
        begin('run', 'measuring again', at);
        break;
      case 'step-held':
        begin(`held ${event.step}`, `${event.step} held`, at);
        break;
      case 'attempt-intended':
        end(`held ${event.step}`, at, '');
        end(`pause ${event.step}`, at);
        begin(event.step, `${event.step}, attempt ${event.attempt}`, at);
        break;
      case 'attempt-submitted':
        part(event.step, 'submitting', at);
        break;
      case 'application-found':
        part(event.step, 'starting', at);
        break;
      case 'attempt-waiting': {
        const span = open.get(event.step);
        if (span) span.awaySince = at;
        break;
      }
      case 'attempt-reached': {
        const span = open.get(event.step);
        if (span?.awaySince !== undefined)
          span.parts['gateway away'] = (span.parts['gateway away'] ?? 0) + at - span.awaySince;
        break;
      }
      case 'attempt-ended':
        part(event.step, event.result || event.failure?.kind ? 'running' : 'answering', at);
        end(
          event.step,
          at,
          event.failure ? `${event.state}: ${event.failure.kind}, ${event.failure.message}` : event.state,
        );
        if (event.state === 'succeeded') begin(`publish ${event.step}`, `${event.step}, publishing`, at);
        break;
      case 'retry-scheduled':
        begin(
          `pause ${event.step}`,
          `${event.step}, pause${event.remedy === undefined ? '' : `; then ${event.remedy}`}`,
          at,
        );
        break;
      case 'outputs-published':
        end(`publish ${event.step}`, at, event.outputs.map((output) => output.where).join(', '));
        break;
      case 'step-ended':
        open.delete(`publish ${event.step}`);
        break;
      case 'report-written':
        moment('report', at, 0, event.url);
        break;
      case 'report-failed':
        moment('report', at, 0, event.reason);
        break;
      case 'taken-over':
        moment('driver', at, 0, takeoverLine(event.by, event.from));
        break;
      case 'store-returned':
        moment('store away', at - event.awayMs, event.awayMs, '');
        break;
      case 'run-ended':
        for (const key of [...open.keys()]) end(key, at, event.reason);
        break;
      default:
    }
  }
  for (const key of [...open.keys()]) end(key, undefined, 'goes on');
  return phases.sort((a, b) => a.order - b.order).map(({ order: _, ...phase }) => phase);
}
