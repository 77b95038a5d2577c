import type { BatchJob } from '../../controller/backends/port.ts';
import { sizeJob } from '../../controller/decide/sizing.ts';

/** A job for a backend that only looks at its class. */
export const job = (mainClass: string): BatchJob => ({
  jar: 'local:/runner.jar',
  mainClass,
  args: [],
  settings: sizeJob({ sql: 'x' }, { rows: 1, bytes: 1 }, { cores: 1, largestMb: 8192 }).settings,
  properties: {},
});
