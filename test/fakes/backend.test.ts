import { backendContract } from '../contract/backend.ts';
import { job } from '../contract/jobs.ts';
import { memoryBackend } from './backend.ts';

backendContract('in memory', async () => ({
  backend: memoryBackend(({ spec }) => [
    { state: 'running', applicationId: 'app-1' },
    spec === 'Long'
      ? { state: 'running' }
      : spec === 'Failing'
        ? { state: 'failed', detail: 'it broke' }
        : { state: 'succeeded', applicationId: 'app-1' },
  ]),
  short: job('Short'),
  long: job('Long'),
  failing: job('Failing'),
  newKey: (name) => name,
}));
