import { memoryBackend } from '../../controller/backends/memory.ts';
import type { BatchJob } from '../../controller/backends/port.ts';
import { sizeJob } from '../../controller/decide/sizing.ts';
import { backendContract } from '../contract/backend.ts';

const job = (mainClass: string): BatchJob => ({
  jar: 'jar',
  mainClass,
  args: [],
  settings: sizeJob({ sql: 'x' }, { rows: 1, bytes: 1 }, { cores: 1, largestMb: 8192 }).settings,
  properties: {},
});

backendContract('in memory', async () => ({
  backend: memoryBackend(({ mainClass }) => [
    { state: 'running', applicationId: 'app-1' },
    mainClass === 'Long'
      ? { state: 'running' }
      : mainClass === 'Failing'
        ? { state: 'failed', detail: 'it broke' }
        : { state: 'succeeded', applicationId: 'app-1' },
  ]),
  short: job('Short'),
  long: job('Long'),
  failing: job('Failing'),
  newKey: (name) => name,
}));
