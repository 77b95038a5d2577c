import { createHash } from 'node:crypto';
import { z } from 'zod';
import { causeSchema, time } from '../../app/views/documents.ts';
import type { RunState } from '../../domain/state.ts';
import { iso } from '../../lib/text.ts';
import type { LoadedPipeline } from '../../pipeline/loader.ts';
import { assertMatches, etagOf } from '../http/conditions.ts';
import { fingerprintOf, idempotencyKeyOf } from '../http/idempotency.ts';
import { Problem } from '../http/problem.ts';
import { type AnyRoute, type Asked, base, type Reply, route } from '../http/route.ts';
import * as examples from './examples.ts';
import { findPipeline, partName, readRun, runParams, waitForEnd } from './shared.ts';

const idempotency = {
  'Idempotency-Key': 'A text of at most 255 characters: a repeated request with it gets the first answer again',
};
const preferences = {
  Prefer: 'wait=SECONDS: answer when the run has ended, or after at most 25 s',
  'If-Match': 'The ETag of the state that the client has seen: 412 when the run has changed',
};

/** A started run: what does not change any more, so that a repeated request gets the same answer. */
const startedSchema = z
  .object({
    run: z.string(),
    number: z.int(),
    pipeline: z.string(),
    started: time,
    cause: causeSchema,
  })
  .meta({ id: 'StartedRun' });
type Started = z.input<typeof startedSchema>;
const startedExample = {
  run: examples.run,
  number: 42,
  pipeline: 'customer-report',
  started: examples.started,
  cause: { kind: 'api', by: 'airflow', key: '2026-11-23', request: '9f86d081884c7d659a2feaa0c55ad015' },
};

/** Starts a run, or returns the run that the same request has started. */
async function start(
  { api, principal, headers }: Asked<unknown, unknown, unknown>,
  loaded: LoadedPipeline,
  fingerprint: string,
  again: RunState['again'],
): Promise<Reply<Started>> {
  const key = idempotencyKeyOf(headers);
  if (key === undefined && /\bhandling\s*=\s*strict\b/i.test(headers.get('prefer') ?? ''))
    throw new Problem(400, 'Prefer: handling=strict needs an Idempotency-Key');
  const { run, isNew } = await api.start(loaded, {
    ...(again && { again }),
    cause: { kind: 'api', by: principal.name, ...(key !== undefined && { key, request: fingerprint }) },
    ...(key !== undefined && { idempotencyKey: `api/${principal.id}/${key}` }),
  });
  const [summary, [first]] = await Promise.all([api.store.find(run), api.store.history(run)]);
  const cause = first?.event.type === 'run-started' ? first.event.cause : undefined;
  if (!summary || !cause)
    throw new Problem(503, `run ${run} was removed meanwhile`, { headers: { 'retry-after': '1' } });
  if (!isNew && cause.request !== fingerprint)
    throw new Problem(422, `the Idempotency-Key has started run ${run} by another request`, {
      hint: 'use a new key for a new request',
    });
  const { number, pipeline, started } = summary;
  return {
    body: { run, number, pipeline, started: iso(started) as string, cause },
    headers: { location: `${base}/runs/${run}`, ...(!isNew && { 'idempotency-replayed': 'true' }) },
  };
}

const startRun = route({
  name: 'startRun',
  method: 'POST',
  path: '/runs',
  scope: 'runs:write',
  summary: 'Starts a run of a pipeline that the server knows; a controller executes it',
  body: z.strictObject({
    pipeline: partName,
    fullRefresh: z.boolean().optional().describe('Reprocess all rows, and read topics from their beginning'),
    from: z.iso.datetime({ offset: true }).optional().describe('A full refresh that reads topics from this time on'),
  }),
  headers: { ...idempotency, Prefer: 'handling=strict: refuse a request without an Idempotency-Key' },
  status: 201,
  response: startedSchema,
  errors: [404, 422],
  example: { body: { pipeline: 'customer-report' }, answer: startedExample },
  async handler(asked) {
    const { pipeline, fullRefresh, from } = asked.body;
    const loaded = await findPipeline(asked, pipeline);
    const isFull = fullRefresh === true || from !== undefined;
    if (fullRefresh === false && from !== undefined)
      throw new Problem(422, 'from is for a full refresh, and fullRefresh is false', {
        details: [{ in: 'body', pointer: '/from', message: 'needs fullRefresh', hint: 'leave fullRefresh out' }],
      });
    const since = from === undefined ? {} : { since: Date.parse(from) };
    const again = isFull ? { again: true as const, ...since } : undefined;
    return start(asked, loaded, fingerprintOf('startRun', asked.body), again);
  },
});

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

const replayRun = route({
  name: 'replayRun',
  method: 'POST',
  path: '/runs/{run}:replay',
  scope: 'runs:write',
  summary:
    'Takes the repaired rows of a run’s quarantine (its CSV file with changed rows), and runs the pipeline with them',
  params: runParams,
  query: z.strictObject({
    source: partName.optional().describe('The source of the rows; needed when there are several'),
  }),
  headers: idempotency,
  accepts: 'text/csv',
  maximumBytes: 16 << 20,
  status: 201,
  response: startedSchema,
  errors: [404, 422],
  example: {
    params: { run: examples.run },
    query: { source: 'deliveries' },
    answer: { ...startedExample, cause: { kind: 'api', by: 'airflow' } },
  },
  async handler(asked) {
    const { api, params, query, raw } = asked;
    const { run, state, summary } = await readRun(asked, params.run);
    const loaded = await findPipeline(asked, summary.pipeline);
    const sum = createHash('sha256').update(raw).digest('hex');
    if ((await api.repair(state, query.source, raw)) === 0)
      throw new Problem(422, 'no row of the file has changed', {
        hint: 'correct the columns of the rows, and send it again',
      });
    // All rows count as new, so that the run has work; topics are not read again for that.
    const again = { again: true as const, since: api.now() };
    return start(asked, loaded, fingerprintOf('replayRun', { run, ...query, sum }), again);
  },
});

/** What changes runs. */
export const actionRoutes: readonly AnyRoute[] = [startRun, cancelRun, resumeRun, replayRun];
export const actionCalls = { startRun, cancelRun, resumeRun };
