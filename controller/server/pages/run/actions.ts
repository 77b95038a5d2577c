import { z } from 'zod';
import type { AnyRoute } from '../../http/route.ts';
import { actionCalls } from '../../routes/actions.ts';
import { partName, runName } from '../../routes/shared.ts';
import { startCalls } from '../../routes/starts.ts';
import { action, answerTo, noticed } from '../frame/page.ts';
import { pathTo } from '../parts/text.ts';

const params = { run: runName };

const cancelForm = action({
  name: 'cancelRunForm',
  path: '/runs/{run}:cancel',
  scope: 'runs:write',
  summary: 'Cancels a run',
  params,
  async perform(asked) {
    const { run } = await answerTo(actionCalls.cancelRun, asked, { params: asked.params });
    return noticed(pathTo('runs', run), 'cancelled');
  },
});

const resumeForm = action({
  name: 'resumeRunForm',
  path: '/runs/{run}:resume',
  scope: 'runs:write',
  summary: 'Frees a run whose controller is gone',
  params,
  async perform(asked) {
    const { run } = await answerTo(actionCalls.resumeRun, asked, { params: asked.params });
    return noticed(pathTo('runs', run), 'resumed');
  },
});

const retryForm = action({
  name: 'retryRunForm',
  path: '/runs/{run}:retry',
  scope: 'runs:write',
  summary: 'Runs the pipeline again for the same reason, from its beginning or from a step',
  params,
  form: { fromStep: partName.optional(), fresh: z.literal('true').optional() },
  async perform(asked) {
    const { run } = await answerTo(startCalls.retryRun, asked, { params: asked.params, query: asked.form });
    return noticed(pathTo('runs', run), 'started');
  },
});

/** What the forms of a run do. */
export const runActions: readonly AnyRoute[] = [cancelForm, resumeForm, retryForm];
