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
  pipeline: 'customer-report',
  state: 'failed' as const,
  branch: 'full',
  reason: 'step marts failed: out of memory',
  started,
  ended,
  cause: { kind: 'api', by: 'airflow' },
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

export const event = { type: 'cancel-requested', by: 'airflow' };
