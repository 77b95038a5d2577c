/** The kinds of failure of an attempt. A pipeline's `retry.on` uses these names, too. */
export const failureKinds = [
  'out-of-memory',
  'lost-executor',
  'killed',
  'bad-sql',
  'bad-input',
  'inputs-lost',
  'missing-dependency',
  'audit',
  'gateway-unavailable',
  'gateway-rejected',
  'not-prepared',
  'service-unavailable',
  'service-refused',
  'timed-out',
  'lost',
  'cancelled',
  'unknown',
] as const;
export type FailureKind = (typeof failureKinds)[number];
