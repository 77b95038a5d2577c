import { z } from 'zod';
import type { RunState } from '../../domain/state.ts';
import { assertMatches, etagOf } from '../http/conditions.ts';
import { Problem } from '../http/problem.ts';
import { type AnyRoute, type Asked, base, route } from '../http/route.ts';
import * as examples from './examples.ts';
import { readRun, runParams, waitForEnd } from './shared.ts';

const preferences = {
  Prefer: 'wait=SECONDS: answer when the run has ended, or after at most 25 s',
  'If-Match': 'The ETag of the state that the client has seen: 412 when the run has changed',
};

const actionSchema = z
  .object({ run: z.string(), state: z.string().describe('The state after the action') })
  .meta({ id: 'Action' });

const ended = (run: string, { ended: end }: RunState): Problem =>
  new Problem(409, `run ${run} has ended already: ${end?.state}`);

const cancelRun = route({
  name: 'cancelRun',
  method: 'POST',
  path: '/runs/{run}:cancel',
  scope: 'runs:write',
  summary: 'Asks the controller of a run to cancel it',
  params: runParams,
  headers: preferences,
  status: 202,
  response: actionSchema,
  errors: [404, 409, 412],
  example: { params: { run: examples.run }, answer: { run: examples.run, state: 'cancelling' } },
  async handler(asked) {
    const { api, principal, headers } = asked;
    const { run, state, seq } = await readRun(asked, asked.params.run);
    assertMatches(headers, run, seq);
    if (state.ended) throw ended(run, state);
    if (state.cancelRequested === undefined) {
      const isOpen = await api.store.request(run, api.now(), { type: 'cancel-requested', by: principal.name });
      if (!isOpen) throw ended(run, (await readRun(asked, run)).state);
    }
    return acted(asked, run, await waitForEnd(asked, run));
  },
});

async function acted(asked: Asked<unknown, unknown, unknown>, run: string, applied: Record<string, string>) {
  const { state, seq } = await readRun(asked, run);
  return {
    body: { run, state: state.ended?.state ?? state.status ?? 'pending' },
    headers: { location: `${base}/runs/${run}`, etag: etagOf(run, seq), ...applied },
  };
}

const resumeRun = route({
  name: 'resumeRun',
  method: 'POST',
  path: '/runs/{run}:resume',
  scope: 'runs:write',
  summary: 'Frees a run whose controller is gone, so that another one resumes it',
  params: runParams,
  headers: preferences,
  status: 202,
  response: actionSchema,
  errors: [404, 409, 412],
  example: { params: { run: examples.run }, answer: { run: examples.run, state: 'running' } },
  async handler(asked) {
    const { api, headers } = asked;
    const { run, state, seq } = await readRun(asked, asked.params.run);
    assertMatches(headers, run, seq);
    if (state.ended) throw ended(run, state);
    await api.freeOrphan(run);
    const owner = (await api.store.find(run))?.owner;
    if (owner !== undefined && (await api.store.controllers()).includes(owner))
      throw new Problem(409, `run ${run} is owned by an active controller`, {
        hint: 'GET /api/v1/runs/RUN/events shows its progress',
      });
    return acted(asked, run, await waitForEnd(asked, run));
  },
});

/** What changes runs. */
export const actionRoutes: readonly AnyRoute[] = [cancelRun, resumeRun];
export const actionCalls = { cancelRun, resumeRun };
