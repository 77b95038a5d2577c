import { type AlertName, alertKinds, type Finding } from '../../domain/alerts.ts';
import { pausedItself } from '../../domain/pauses.ts';
import type { Vitals } from '../../domain/ports/vitals.ts';
import type { WatchedPipeline } from '../pipelines/watched.ts';
import type { JudgedPromise } from '../promises/judge.ts';
import type { TriggerDocument } from '../views/triggers.ts';
import type { Increase } from './recent.ts';
import type { Unusual } from './unusual.ts';

/** What the conditions are judged by. */
export interface Told {
  readonly vitals: Vitals;
  readonly triggers: readonly TriggerDocument[];
  readonly pipelines: readonly WatchedPipeline[];
  readonly unusual: readonly Unusual[];
  readonly promises: readonly JudgedPromise[];
  /** Why the gateway to Spark takes no work; undefined when it does. */
  readonly gateway: string | undefined;
  /** By how much totals have grown within an hour, by pipeline or channel. */
  readonly retries: readonly Increase[];
  readonly refused: readonly Increase[];
}

/** The limits that conf/monitoring/sluice.rules.yml has, too. Seconds, retries an hour, and a share. */
export const limits = {
  overdue: 120,
  queue: 1800,
  outbox: 900,
  retries: 10,
  invalid: 0.05,
} as const;
/** How long a condition must hold. Milliseconds. */
export const forMs: Readonly<Partial<Record<AlertName, number>>> = {
  ScheduleLate: 60_000,
  TriggerFailing: 600_000,
  TriggerHeld: 900_000,
  PipelineBroken: 120_000,
  QueueStuck: 300_000,
  OutboxStuck: 300_000,
  GatewayAway: 300_000,
};

const finding = (name: AlertName, labels: Finding['labels'], facts: Finding['facts'] = {}): Finding => ({
  ...{ name, severity: alertKinds[name], labels, facts },
  ...(forMs[name] !== undefined && { forMs: forMs[name] }),
});

/** What is wrong now. Pure. */
export function findingsOf(told: Told): Finding[] {
  const { vitals, pipelines, unusual, promises, gateway, retries, refused } = told;
  const { now, ended, open, outbox, readings } = vitals;
  const age = (since: number): number => Math.max(0, Math.round((now - since) / 1000));
  const served = new Set(pipelines.map(({ name }) => name));
  return [
    ...ended
      // A pipeline that is served no more runs no more, and is nobody's trouble.
      .filter(({ pipeline, state }) => state === 'failed' && served.has(pipeline))
      .map(({ pipeline }) => finding('RunFailed', { pipeline })),
    ...triggerFindings(told),
    ...pipelines.flatMap(({ name, file, problem }) =>
      problem === undefined ? [] : [finding('PipelineBroken', { pipeline: name }, { file, reason: problem })],
    ),
    ...open
      .filter(({ state, oldest }) => state === 'pending' && age(oldest) > limits.queue)
      .map(({ pipeline, oldest }) => finding('QueueStuck', { pipeline }, { seconds: age(oldest) })),
    ...retries
      .filter(({ n }) => n > limits.retries)
      .map(({ of, n }) => finding('RetriesBurning', { pipeline: of }, { retries: n })),
    ...readings.flatMap(({ pipeline, sources }) =>
      Object.entries(sources)
        .filter(({ 1: { invalid, rows } }) => served.has(pipeline) && invalid > limits.invalid * rows)
        .map(([source, { invalid, rows }]) =>
          finding('QuarantineHigh', { pipeline, source }, { percent: Math.round((1000 * invalid) / rows) / 10 }),
        ),
    ),
    ...outbox
      .filter(({ oldest }) => age(oldest) > limits.outbox)
      .map(({ channel, oldest }) => finding('OutboxStuck', { channel }, { seconds: age(oldest) })),
    ...refused
      .filter(({ n }) => n > 0)
      .map(({ of, n }) => finding('MessagesRefused', { channel: of }, { messages: n })),
    ...unusual
      .filter(({ pipeline }) => served.has(pipeline))
      .map(({ pipeline, run, reason }) => finding('RunUnusual', { pipeline }, { run, reason })),
    ...promises.flatMap(({ pipeline, promise: { name }, status: { state, due, facts } }) =>
      state === 'broken' || state === 'at-risk'
        ? [
            finding(
              state === 'broken' ? 'PromiseBroken' : 'PromiseAtRisk',
              { pipeline, promise: name },
              { ...facts, ...(due !== undefined && { due: new Date(due).toISOString() }) },
            ),
          ]
        : [],
    ),
    ...(gateway === undefined ? [] : [finding('GatewayAway', { gateway: 'spark' }, { reason: gateway })]),
  ];
}

function triggerFindings({ triggers, vitals: { now } }: Told): Finding[] {
  const held = new Map<string, string>();
  const found = triggers.flatMap(({ pipeline, trigger, state, problem, paused, owedSince }): Finding[] => {
    const labels = { pipeline, trigger };
    const owedMs = owedSince === null ? 0 : now - Date.parse(owedSince);
    if (state === 'held') held.set(pipeline, problem ?? '');
    return [
      ...(state !== 'paused' && state !== 'gone' && owedMs > limits.overdue * 1000
        ? [finding('ScheduleLate', labels, { seconds: Math.round(owedMs / 1000) })]
        : []),
      ...(state === 'failing' ? [finding('TriggerFailing', labels, { reason: problem ?? '' })] : []),
      ...(state === 'paused' && paused?.by === pausedItself
        ? [finding('TriggerStopped', labels, { reason: paused.reason ?? '' })]
        : []),
    ];
  });
  return [...found, ...[...held].map(([pipeline, reason]) => finding('TriggerHeld', { pipeline }, { reason }))];
}
