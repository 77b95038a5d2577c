import type { BatchJob } from '../../controller/domain/ports/backend.ts';
import { sizeJob } from '../../controller/planning/sizing.ts';

/** A job for a backend that only looks at its class. */
export const job = (mainClass: string): BatchJob => ({
  jar: 'jar',
  mainClass,
  args: [],
  settings: sizeJob({ sql: 'x' }, { rows: 1, bytes: 1 }, { cores: 1, largestMb: 8192 }).settings,
  properties: {},
});
