/** What an attempt can die of. A pipeline's `retry.on` names these too. */
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
