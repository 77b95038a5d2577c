import type { WatchedPipeline } from '../../app/pipelines/watched.ts';
import { type Counted, counted, type Total } from '../../domain/totals.ts';
import type { Family } from './exposition.ts';

/** Durations become histograms, the others a metric each. */
type Counter = Exclude<Counted, 'run_buckets' | 'run_ms' | 'phase_buckets' | 'phase_ms'>;

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

/** What alerts and ratios are about: the first one of it must be seen. Other counters begin when they are needed. */
const runEnds = ['succeeded', 'failed'] as const;
const messageEnds = ['sent', 'refused'] as const;
const firingOutcomes = ['missed', 'refused'] as const;

type Served = Pick<WatchedPipeline, 'name' | 'loaded'>;

/**
 * What is served and has not been counted yet. A counter that appears with its first count has not increased, as far as
 * Prometheus knows, so the first retry and the first refused message would be missed.
 */
function zeros(pipelines: readonly Served[], channels: readonly string[]): Total[] {
  const of =
    (pipeline: string) =>
    (name: Counter, ...labels: string[]): Total => ({ pipeline, name, labels, n: 0 });
  const ofPipelines = pipelines.flatMap(({ name, loaded }) => {
    if (!loaded) return [];
    const zero = of(name);
    const { steps, triggers = {} } = loaded.pipeline;
    return [
      ...runEnds.map((end) => zero('runs_ended', end)),
      ...Object.keys(steps).map((step) => zero('retries', step)),
      ...Object.entries(steps).flatMap(([step, { fallback }]) =>
        fallback === undefined ? [] : [zero('fallbacks', step)],
      ),
      ...Object.keys(triggers).flatMap((trigger) => firingOutcomes.map((outcome) => zero('firings', trigger, outcome))),
    ];
  });
  return [...ofPipelines, ...channels.flatMap((channel) => messageEnds.map((end) => of('')('messages', channel, end)))];
}

/** What the store counts, from 0 on for what is served. */
export function counterFamilies(
  totals: readonly Total[],
  pipelines: readonly Served[],
  channels: readonly string[],
): Family[] {
  const keyOf = ({ pipeline, name, labels }: Total): string => JSON.stringify([pipeline, name, labels]);
  const all = new Map([...zeros(pipelines, channels), ...totals].map((total) => [keyOf(total), total]));
  return Object.entries(counters).map(
    ([of, { name, help }]): Family => ({
      ...{ name, type: 'counter', help },
      samples: [...all.values()]
        .filter((total) => total.name === of)
        .map(({ pipeline, labels, n }) => ({
          labels: {
            ...(pipeline !== '' && { pipeline }),
            ...Object.fromEntries(counted[of as Counter].map((label, i) => [label, labels[i] ?? ''])),
          },
          value: n,
        })),
    }),
  );
}
