/** Values in the examples of the OpenAPI document. */

export const run = '20261123-0412-3f2a';
export const other = '20261124-0412-91bc';
export const started = '2026-11-23T04:12:00.000Z';
const ended = '2026-11-23T04:14:05.250Z';

export const line = {
  run,
  number: 42,
  pipeline: 'customer-report',
  state: 'failed' as const,
  quality: 0.981,
  rows: null,
  coreSeconds: 30,
  branch: 'full',
  reason: 'step marts failed: out of memory',
  started,
  ended,
  trigger: 'nightly',
};

export const verdict = {
  name: 'deliveries arrived',
  outcome: 'passed' as const,
  expect: 'deliveries.rows > 0',
  because: 'deliveries.rows = 200000',
};

export const document = {
  run,
  number: 42,
  rows: null,
  coreSeconds: 30,
  pipeline: 'customer-report',
  state: 'failed' as const,
  branch: 'full',
  reason: 'step marts failed: out of memory',
  started,
  ended,
  cause: { kind: 'api', by: 'airflow' },
  retries: null,
  quality: 0.981,
  checks: [verdict],
  sources: {},
  steps: [{ name: 'marts', state: 'failed' as const, reason: 'out of memory', shadow: null, attempts: [] }],
  outputs: [],
  report: null,
  messages: [],
};

export const settings = {
  executors: 2,
  executorCores: 2,
  executorMemory: '2g',
  driverMemory: '1g',
  partitions: 8,
  profile: 'quick' as const,
  conf: {},
};

export const plan = {
  verdicts: [verdict],
  quality: 0.981,
  choice: { branch: 'full', reason: 'total.rows >= 500000', rejected: [] },
  steps: { marts: { role: 'run' as const, reason: 'branch full', settings } },
  cluster: { cores: 8, largestMb: 8192 },
  verdict: 'go' as const,
  reason: 'branch full',
};

const producer = 'urn:sluice:0.1.0';
export const lineage = {
  ...{ eventType: 'START' as const, eventTime: started, producer },
  schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
  run: { runId: '0b8b1f9c-6f0e-5a6b-8a53-1f5c3a0d7e42', facets: {} },
  job: { namespace: 'shop', name: 'customer-report', facets: {} },
  ...{ inputs: [{ namespace: 'postgres://db:5432', name: 'shop.public.orders', facets: {} }], outputs: [] },
};

export const compared = {
  ...{ measure: 'orders.rows', nature: 'count' as const, verdict: 'unusual' as const, value: 320, runs: 8 },
  ...{ weekday: 1, median: 1012, low: 876, high: 1190 },
  says: 'orders.rows = 320 is unusual: 876 to 1190 expected, from a median of 1012 in 8 runs on a Monday',
};

export const trace = {
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'sluice' } }] },
      scopeSpans: [
        {
          scope: { name: 'sluice', version: '0.1.0' },
          spans: [
            {
              ...{ traceId: '5b8efff798038103d269b633813fc60c', spanId: 'eee19b7ec3c1b174' },
              ...{ name: 'run customer-report', kind: 1, attributes: [], events: [], status: { code: 0 } },
              ...{ startTimeUnixNano: '1795407120000000000', endTimeUnixNano: '1795407245250000000' },
            },
          ],
        },
      ],
    },
  ],
};

export const event = { type: 'cancel-requested', by: 'airflow' };

export const firing = {
  ...{ number: 7, pipeline: 'customer-report', trigger: 'nightly', generation: 1 },
  ...{ key: '2026-11-23T06:00 Europe/Moscow', due: '2026-11-23T03:00:00.000Z', until: null, count: 1 },
  ...{ outcome: 'started' as const, reason: null, run, noted: '2026-11-23T03:00:00.412Z' },
};

export const trigger = {
  ...{ pipeline: 'customer-report', trigger: 'nightly', kind: 'schedule' },
  ...{ says: 'at 06:00 every day, Europe/Moscow', state: 'active' as const, problem: null, paused: null },
  ...{ next: '2026-11-24T03:00:00.000Z', owed: 0, owedSince: null, waiting: 0, generation: 1, last: firing },
};

export const moment = {
  ...{ key: '2026-11-24T06:00 Europe/Moscow', due: '2026-11-24T03:00:00.000Z', outcome: 'to-come' as const },
  ...{ reason: null, run: null, count: 1 },
};

export const explanation = {
  ...{ pipeline: 'customer-report', trigger: 'nightly', asked: '2026-11-24T06:00', due: '2026-11-24T03:00:00.000Z' },
  answer: 'no run: it was skipped, because: paused by anna: vendor outage',
  firing: { ...firing, outcome: 'skipped' as const, reason: 'paused by anna: vendor outage', run: null },
  run: null,
};

export const fired = {
  ...{ pipeline: 'customer-report', trigger: 'nightly', dryRun: true },
  items: [
    {
      ...{ key: '2026-11-02T06:00 Europe/Moscow', due: '2026-11-02T03:00:00.000Z', action: 'start' as const },
      ...{ reason: 'the ledger has no row of it', outcome: null, run: null },
    },
  ],
};
