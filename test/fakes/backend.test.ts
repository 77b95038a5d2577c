import { backendContract } from '../contract/backend.ts';
import { job } from '../contract/jobs.ts';
import { memoryBackend } from './backend.ts';

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
