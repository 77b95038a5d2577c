import type { BatchJob } from '../../controller/domain/ports/backend.ts';
import { sizeJob } from '../../controller/planning/sizing.ts';

/** A job for a backend that uses only the location of its description. */
export const job = (spec: string): BatchJob => ({
  spec,
  settings: sizeJob({ sql: 'x' }, { rows: 1, bytes: 1 }, { cores: 1, largestMb: 8192 }).settings,
  properties: {},
  secretFiles: [],
  labels: {},
});
