import type { WatchedPipeline } from '../../app/pipelines/watched.ts';
import type { PromiseDocument } from '../../app/views/promises.ts';
import type { TriggerDocument } from '../../app/views/triggers.ts';
import type { AlertCase } from '../../domain/alerts.ts';
import { runEnds } from '../../domain/lifecycle.ts';
import { pausedItself } from '../../domain/pauses.ts';
import type { Vitals } from '../../domain/ports/vitals.ts';
import { milliseconds } from '../../lib/duration.ts';
import { counterFamilies } from './counters.ts';
import { type Family, gauge, type Sample, samplesOf } from './exposition.ts';
import { findings } from './findings.ts';
import { keptDurations } from './histograms.ts';

/** What is told of the store. */
export interface Told {
  readonly vitals: Vitals;
  readonly triggers: readonly TriggerDocument[];
  readonly pipelines: readonly Pick<WatchedPipeline, 'name' | 'problem' | 'loaded'>[];
  readonly promises: readonly Pick<PromiseDocument, 'pipeline' | 'promise' | 'state'>[];
  /** Alerts that last. */
  readonly alerts: readonly Pick<AlertCase, 'name' | 'severity'>[];
  /** How many controllers are active. */
  readonly controllers: number;
  /** The channels of messages that there may be. */
  readonly channels: readonly string[];
}

/** The metrics of a project from its store: every server tells the same. */
export function familiesOf({ vitals, triggers, pipelines, promises, alerts, controllers, channels }: Told): Family[] {
  const { now, totals, open, ended, published, outbox, readings, applications } = vitals;
  // A pipeline that is served no more runs no more, and its last failure is no alert.
  const served = new Set(pipelines.map(({ name }) => name));
  const isServed = ({ pipeline }: { readonly pipeline: string }): boolean => served.has(pipeline);
  const each = <T extends { readonly pipeline: string }>(all: readonly T[], numberOf: (of: T) => number | undefined) =>
    samplesOf(all, ({ pipeline }) => ({ pipeline }), numberOf);
  return [
    ...counterFamilies(totals, pipelines, channels),
    ...keptDurations(totals),
    gauge('controllers', 'Active controllers.', [{ value: controllers }]),
    gauge(
      'runs',
      'Runs that have not ended, by state.',
      open.map(({ pipeline, state, runs }) => ({ labels: { pipeline, state }, value: runs })),
    ),
    gauge(
      'run_oldest_seconds',
      'The age of the oldest run that has not ended, by state.',
      open.map(({ pipeline, state, oldest }) => ({
        labels: { pipeline, state },
        value: Math.max(0, (now - oldest) / 1000),
      })),
    ),
    gauge(
      'run_last_end_state',
      'How the last run of a pipeline ended: 1 for that state, 0 for the others.',
      ended
        .filter(isServed)
        .flatMap(({ pipeline, state }) =>
          runEnds.map((end) => ({ labels: { pipeline, state: end }, value: end === state ? 1 : 0 })),
        ),
    ),
    gauge(
      'run_last_end_timestamp_seconds',
      'When the last run of a pipeline ended.',
      each(ended, ({ at }) => at / 1000),
    ),
    gauge(
      'publication_last_timestamp_seconds',
      'When the last run of a pipeline that published ended.',
      each(published, ({ at }) => at / 1000),
    ),
    gauge(
      'publication_rows',
      'Rows that the last publication of a pipeline has.',
      each(published, ({ rows }) => rows),
    ),
    gauge(
      'publication_quality_ratio',
      'The share of valid rows that the last publication of a pipeline was made from.',
      each(published, ({ quality }) => quality),
    ),
    ...triggerFamilies(triggers, now),
    gauge(
      'pipeline_problem',
      'Whether the file of a pipeline cannot be used, and its last valid content is served instead.',
      pipelines.map(({ name, problem }) => ({ labels: { pipeline: name }, value: Number(problem !== undefined) })),
    ),
    ...(['broken', 'at-risk'] as const).map((state) =>
      gauge(
        `promise_${state.replace('-', '_')}`,
        `Whether a promise of a pipeline is ${state === 'broken' ? 'broken' : 'at risk'}.`,
        promises.map((each) => ({
          labels: { pipeline: each.pipeline, promise: each.promise },
          value: Number(each.state === state),
        })),
      ),
    ),
    gauge(
      'freshness_limit_seconds',
      'How old the last publication of a pipeline may become, by its promises.',
      pipelines.flatMap(({ name, loaded }) =>
        (loaded?.pipeline.promises ?? []).flatMap(({ name: promise, fresherThan }) =>
          fresherThan === undefined
            ? []
            : [{ labels: { pipeline: name, promise }, value: milliseconds(fresherThan) / 1000 }],
        ),
      ),
    ),
    gauge('alerts', 'Alerts that last, as Sluice judges by itself.', alertsByName(alerts)),
    gauge(
      'outbox_messages',
      'Messages that wait to be sent.',
      outbox.map(({ channel, messages }) => ({ labels: { channel }, value: messages })),
    ),
    gauge(
      'outbox_oldest_seconds',
      'For how long the oldest message has waited.',
      outbox.map(({ channel, oldest }) => ({ labels: { channel }, value: Math.max(0, (now - oldest) / 1000) })),
    ),
    ...findings(readings.filter(isServed)),
    gauge('applications', 'Spark applications with a slot, over all projects of the store.', [{ value: applications }]),
  ];
}

/** One sample for each name. */
function alertsByName(alerts: Told['alerts']): Sample[] {
  const counts = new Map<string, Sample>();
  for (const { name, severity } of alerts)
    counts.set(name, { labels: { name, severity }, value: (counts.get(name)?.value ?? 0) + 1 });
  return [...counts.values()];
}

/** The metrics of triggers. */
function triggerFamilies(triggers: readonly TriggerDocument[], now: number): Family[] {
  const served = triggers.filter(({ state }) => state !== 'gone');
  const ofTrigger = (numberOf: (of: TriggerDocument) => number | undefined) =>
    samplesOf(served, ({ pipeline, trigger }) => ({ pipeline, trigger }), numberOf);
  return [
    gauge(
      'trigger_next_due_timestamp_seconds',
      'The next instant of a trigger that fires by the clock.',
      ofTrigger(({ next }) => (next === null ? undefined : Date.parse(next) / 1000)),
    ),
    gauge(
      'trigger_overdue_seconds',
      'For how long the first instant has been due that is not in the ledger; 0 when nothing is owed.',
      ofTrigger(({ next, owedSince }) =>
        owedSince === null ? (next === null ? undefined : 0) : Math.max(0, (now - Date.parse(owedSince)) / 1000),
      ),
    ),
    gauge(
      'trigger_paused',
      'Whether a trigger is paused.',
      ofTrigger(({ state }) => Number(state === 'paused')),
    ),
    gauge(
      'trigger_stopped',
      'Whether a trigger has paused itself after failures.',
      ofTrigger(({ state, paused }) => Number(state === 'paused' && paused?.by === pausedItself)),
    ),
    gauge(
      'trigger_failing',
      'Whether a trigger cannot be looked at.',
      ofTrigger(({ state }) => Number(state === 'failing')),
    ),
    gauge(
      'trigger_held',
      'Whether the servers disagree about a pipeline, and hold its triggers back.',
      ofTrigger(({ state }) => Number(state === 'held')),
    ),
    gauge(
      'trigger_waiting_runs',
      'Runs of a trigger that have not begun to measure.',
      ofTrigger((of) => of.waiting),
    ),
  ];
}
