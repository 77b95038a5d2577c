import type { LastLook } from '../../app/triggers/looks.ts';
import { type Family, gauge, samplesOf } from './exposition.ts';
import type { LoopLag } from './loop-lag.ts';

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
  /** Streams of events that are open. */
  readonly streams: number;
  readonly loopLag: ReturnType<LoopLag['read']>;
  readonly looks: readonly LastLook[];
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
  gauge('streams', 'Streams of events that are open.', [{ value: of.streams }]),
  gauge(
    'trigger_look_age_seconds',
    'For how long this server has not looked at a trigger that is polled.',
    of.looks.map(({ pipeline, trigger, agoMs }) => ({ labels: { pipeline, trigger }, value: agoMs / 1000 })),
  ),
  gauge(
    'trigger_lag',
    'Files, messages or rows that a trigger has seen, and that wait to be accounted for.',
    samplesOf(
      of.looks,
      ({ pipeline, trigger }) => ({ pipeline, trigger }),
      ({ left }) => left,
    ),
  ),
  ...of.loopLag.map(
    ({ percent, seconds }): Family => ({
      // The names that dashboards for Node know.
      ...{ name: `nodejs_eventloop_lag_p${percent}_seconds`, type: 'gauge', samples: [{ value: seconds }] },
      help: `How late ${percent} % of the timers of this process were at most, within the last minute.`,
    }),
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
