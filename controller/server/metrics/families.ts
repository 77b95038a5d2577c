import type { WatchedPipeline } from '../../app/pipelines/watched.ts';
import type { PromiseDocument } from '../../app/views/promises.ts';
import type { TriggerDocument } from '../../app/views/triggers.ts';
import type { AlertCase } from '../../domain/alerts.ts';
import { runEnds } from '../../domain/lifecycle.ts';
import { pausedItself } from '../../domain/pauses.ts';
import type { Vitals } from '../../domain/ports/vitals.ts';
import { type Counted, counted } from '../../domain/totals.ts';
import { type Family, gauge, type Sample } from './exposition.ts';
import { durations, findings } from './findings.ts';

/** Durations become one histogram, the others a metric each. */
type Counter = Exclude<Counted, 'run_buckets' | 'run_ms'>;

/** The metrics of what the store counts. */
const counters: Readonly<Record<Counter, { readonly name: string; readonly help: string }>> = {
  runs_ended: { name: 'sluice_runs_ended_total', help: 'Runs that have ended, by how.' },
  runs_taken_over: {
    name: 'sluice_runs_taken_over_total',
    help: 'How often a controller took a run over from another one.',
  },
  branches_chosen: { name: 'sluice_branches_chosen_total', help: 'Plans, by the branch that was chosen.' },
  attempts_ended: {
    name: 'sluice_attempts_ended_total',
    help: 'Attempts of steps that have ended, by how, and by the kind of the failure.',
  },
  retries: { name: 'sluice_retries_total', help: 'Retries that were scheduled.' },
  fallbacks: { name: 'sluice_fallbacks_total', help: 'Fallbacks that were chosen for a failed step.' },
  rows_invalid: { name: 'sluice_rows_invalid_total', help: 'Rows of a source that a run has found invalid.' },
  firings: { name: 'sluice_trigger_firings_total', help: 'Firings in the ledger, by their outcome.' },
  messages: { name: 'sluice_outbox_messages_total', help: 'Messages that were sent or finally refused.' },
};

/** What is told of the store. */
export interface Told {
  readonly vitals: Vitals;
  readonly triggers: readonly TriggerDocument[];
  readonly pipelines: readonly Pick<WatchedPipeline, 'name' | 'problem'>[];
  readonly promises: readonly Pick<PromiseDocument, 'pipeline' | 'promise' | 'state'>[];
  /** Alerts that last. */
  readonly alerts: readonly Pick<AlertCase, 'name' | 'severity'>[];
  /** How many controllers are active. */
  readonly controllers: number;
}

/** A sample for each item that has the number. */
const samplesOf = <T>(
  all: readonly T[],
  labelsOf: (of: T) => Readonly<Record<string, string>>,
  numberOf: (of: T) => number | undefined,
): Sample[] =>
  all.flatMap((of) => {
    const value = numberOf(of);
    return value === undefined ? [] : [{ labels: labelsOf(of), value }];
  });

/** The metrics of a project from its store: every server tells the same. */
export function familiesOf({ vitals, triggers, pipelines, promises, alerts, controllers }: Told): Family[] {
  const { now, totals, open, ended, published, outbox, readings, applications } = vitals;
  const totalsOf = (of: Counted): Sample[] =>
    totals
      .filter(({ name }) => name === of)
      .map(({ pipeline, labels, n }) => ({
        labels: {
          ...(pipeline !== '' && { pipeline }),
          ...Object.fromEntries(counted[of].map((label, i) => [label, labels[i] ?? ''])),
        },
        value: n,
      }));
  const each = <T extends { readonly pipeline: string }>(all: readonly T[], numberOf: (of: T) => number | undefined) =>
    samplesOf(all, ({ pipeline }) => ({ pipeline }), numberOf);
  return [
    ...Object.entries(counters).map(
      ([of, { name, help }]): Family => ({ name, type: 'counter', help, samples: totalsOf(of as Counted) }),
    ),
    durations(totals),
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
      ended.flatMap(({ pipeline, state }) =>
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
    ...findings(readings),
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

/** What is told of this process. */
export interface Process {
  readonly version: string;
  readonly node: string;
  readonly tzdata: string;
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** Seconds since 1970. */
  readonly started: number;
  readonly isStoreUp: boolean;
  /** Whether the gateway to Spark answers; undefined when no pipeline needs it. */
  readonly isGatewayUp: boolean | undefined;
}

/** The metrics of this process. */
export const processFamilies = (of: Process): Family[] => [
  gauge('build_info', 'Always 1; the labels say what runs.', [
    { labels: { version: of.version, node: of.node, tzdata: of.tzdata }, value: 1 },
  ]),
  gauge('store_up', 'Whether this server reaches the run store.', [{ value: Number(of.isStoreUp) }]),
  gauge(
    'gateway_up',
    'Whether this server reaches a gateway to a cluster.',
    of.isGatewayUp === undefined ? [] : [{ labels: { gateway: 'spark' }, value: Number(of.isGatewayUp) }],
  ),
  {
    ...{ name: 'process_cpu_seconds_total', type: 'counter', samples: [{ value: of.cpuSeconds }] },
    help: 'CPU time of this process, in seconds.',
  },
  {
    ...{ name: 'process_resident_memory_bytes', type: 'gauge', samples: [{ value: of.residentBytes }] },
    help: 'Resident memory of this process, in bytes.',
  },
  {
    ...{ name: 'process_start_time_seconds', type: 'gauge', samples: [{ value: of.started }] },
    help: 'When this process started, in seconds since 1970.',
  },
];
