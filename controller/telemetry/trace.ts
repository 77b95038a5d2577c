import type { Recorded, RunEvent } from '../domain/events.ts';
import { fold, type RunState } from '../domain/state.ts';
import { attemptKey, traceIdOf, traceParentOf } from './ids.ts';
import { attributesOf, type OtlpTraces, spanOf } from './otlp.ts';
import { Spans } from './spans.ts';

/** Who tells of a run. */
export interface Teller {
  readonly project: string;
  /** Of Sluice. */
  readonly version: string;
}

/**
 * The trace of a run from its history alone: the run, below it queue, measuring with each source, planning, each step
 * with its attempts and publications, and the report. The same history always gives the same spans with the same ids.
 * What has not ended yet ends with the last event, and says so. Pure.
 */
export function traceOf(history: readonly Recorded[], { project, version }: Teller): OtlpTraces {
  const state = fold(history);
  const { run = '', cause } = state;
  const spans = new Spans(run, traceParentOf(cause?.traceparent)?.spanId);
  for (const { at, event } of history) {
    spans.before = spans.at;
    spans.at = at;
    const take = readers[event.type] as Reader<RunEvent['type']> | undefined;
    take?.(spans, event, state);
  }
  spans.endAllBut(undefined, { 'sluice.unfinished': true });
  const traceId = traceIdOf(run, cause);
  const resource = { 'service.name': 'sluice', 'service.version': version, 'sluice.project': project };
  const all = spans.all().map((span) => spanOf(traceId, span));
  return {
    resourceSpans: [
      {
        resource: { attributes: attributesOf(resource) },
        scopeSpans: [{ scope: { name: 'sluice', version }, spans: all }],
      },
    ],
  };
}

const root = 'run';
const stepKey = (step: string): string => `step/${step}`;
const publishKey = (step: string, attempt: number): string => `${attemptKey(step, attempt)}/publish`;

type EventOf<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>;
type Reader<T extends RunEvent['type']> = (spans: Spans, event: EventOf<T>, state: RunState) => void;

/** What each event opens, closes or adds. */
const readers: { readonly [T in RunEvent['type']]: Reader<T> } = {
  'run-started': (spans, { run, pipeline, file, cause, retries }) =>
    spans.begin(root, undefined, `run ${pipeline.name}`, {
      ...{ 'sluice.run': run, 'sluice.pipeline': pipeline.name, 'sluice.file': file },
      ...{ 'sluice.cause': cause?.kind, 'sluice.trigger': cause?.trigger, 'sluice.by': cause?.by },
      'sluice.retries': retries?.run,
    }),
  'taken-over': (spans, { type, by, from }) => spans.moment(root, type, { by, from }),
  'controller-failed': (spans, { type, reason }) => spans.moment(root, type, { reason }),
  'cancel-requested': (spans, { type, by }) => spans.moment(root, type, { by }),
  'store-returned': (spans, { type, awayMs }) => spans.moment(root, type, { ms: awayMs }),
  triggered: (spans, { type, cause }) => spans.moment(root, type, { trigger: cause.trigger, key: cause.key }),

  queued: (spans, { behind }) => spans.begin('queue', root, 'queue', { 'sluice.behind': behind.join(', ') }),
  'queue-left': (spans) => spans.end('queue'),
  measuring: (spans) => spans.begin('measure', root, 'measure'),
  'sources-waiting': (spans, { type, what }) => spans.moment('measure', type, { reason: what }),
  'sources-reached': (spans, { type, waitedMs }) => spans.moment('measure', type, { ms: waitedMs }),
  'sources-measured': (spans, event) => measured(spans, event),
  planned: (spans, { plan: { choice, quality, verdict, reason } }) =>
    spans.end(
      'plan',
      { 'sluice.branch': choice.branch, 'sluice.quality': quality, 'sluice.verdict': verdict },
      verdict === 'fail' ? reason : undefined,
    ),
  'inputs-lost': (spans, { type, reason }) => {
    spans.endAllBut(root, {}, reason);
    spans.moment(root, type, { reason });
    spans.begin('measure', root, 'measure');
  },

  'step-reused': (spans, { type, step, from }) => spans.moment(root, type, { step, from }),
  'step-held': (spans, { type, step, reason }) => {
    beginStep(spans, step);
    spans.moment(stepKey(step), type, { reason });
  },
  'attempt-intended': (spans, { step, attempt, key, settings }) => {
    beginStep(spans, step);
    spans.begin(attemptKey(step, attempt), stepKey(step), `step ${step} attempt ${attempt}`, {
      ...{ 'sluice.step': step, 'sluice.attempt': attempt, 'sluice.key': key },
      'sluice.engine': settings && (settings.engine ?? 'spark'),
    });
  },
  'attempt-submitted': (spans, { type, step, attempt, submission }) =>
    spans.moment(attemptKey(step, attempt), type, { batch: submission.id }),
  'application-found': (spans, { type, step, attempt, applicationId, ui }) =>
    spans.moment(attemptKey(step, attempt), type, { application: applicationId, ui }),
  'attempt-waiting': (spans, { type, step, attempt, what }) =>
    spans.moment(attemptKey(step, attempt), type, { reason: what }),
  'attempt-reached': (spans, { type, step, attempt, waitedMs }) =>
    spans.moment(attemptKey(step, attempt), type, { ms: waitedMs }),
  'attempt-ended': (spans, { step, attempt, state: end, failure }, { pipeline }) => {
    const values = { 'sluice.state': end, 'sluice.failure': failure?.kind };
    spans.end(attemptKey(step, attempt), values, end === 'succeeded' ? undefined : (failure?.message ?? end));
    if (end === 'succeeded' && pipeline?.steps[step]?.outputs.length)
      spans.begin(publishKey(step, attempt), stepKey(step), `publish ${step}`, { 'sluice.step': step });
  },
  'outputs-published': (spans, { step, attempt, outputs }) =>
    spans.end(publishKey(step, attempt), { 'sluice.rows': outputs.reduce((sum, { rows }) => sum + rows, 0) }),
  'shadow-compared': (spans, { type, step, rows, difference, skipped }) =>
    spans.moment(stepKey(step), type, { rows, difference, skipped }),
  'retry-scheduled': (spans, { type, step, reason, remedy }, state) => {
    endPublications(spans, step, reason, state);
    spans.moment(stepKey(step), type, { reason, remedy });
  },
  'fallback-chosen': (spans, { type, step, to, reason }) => spans.moment(stepKey(step), type, { to, reason }),
  'step-ended': (spans, { step, state: end, reason }, state) => {
    endPublications(spans, step, reason, state);
    const values = { 'sluice.state': end, 'sluice.reason': reason };
    spans.end(stepKey(step), values, isBad(end) ? reason : undefined);
  },

  'report-written': (spans) => report(spans),
  'report-failed': (spans, { reason }) => report(spans, reason),
  'run-ended': (spans, { state: end, reason }) => {
    spans.endAllBut(root);
    spans.end(root, { 'sluice.state': end, 'sluice.reason': reason }, isBad(end) ? reason : undefined);
  },
};

const isBad = (end: string): boolean => end === 'failed' || end === 'cancelled';

const beginStep = (spans: Spans, step: string): void =>
  spans.begin(stepKey(step), root, `step ${step}`, { 'sluice.step': step });

/** The history has the time of all sources together, which each source's span has, too. */
function measured(spans: Spans, { profiles }: EventOf<'sources-measured'>): void {
  spans.begin('measure', root, 'measure', {}, spans.before);
  const from = spans.openedAt('measure');
  for (const [source, { measures, pin }] of Object.entries(profiles)) {
    const { rows, invalid, duplicates, bytes } = measures;
    const values = {
      ...{ 'sluice.source': source, 'sluice.kind': pin.kind, 'sluice.rows': rows, 'sluice.invalid': invalid },
      ...{ 'sluice.duplicates': duplicates, 'sluice.bytes': bytes },
    };
    spans.begin(`measure/${source}`, 'measure', `measure ${source}`, values, from);
    spans.end(`measure/${source}`);
  }
  spans.end('measure');
  spans.begin('plan', root, 'plan');
}

/** Closes those that have not published. */
function endPublications(spans: Spans, step: string, reason: string, { steps }: RunState): void {
  for (const { number } of steps[step]?.attempts ?? []) spans.end(publishKey(step, number), {}, reason);
}

function report(spans: Spans, problem?: string): void {
  spans.begin('report', root, 'report', {}, spans.before);
  spans.end('report', {}, problem);
}
