import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isTriggered, retriedBy, retryFiring, retryRefusal, startedBy } from '../../app/triggers/retry.ts';
import { causeSchema } from '../../app/views/causes.ts';
import { time } from '../../app/views/documents.ts';
import type { Cause } from '../../domain/events.ts';
import type { RunState } from '../../domain/state.ts';
import { iso } from '../../lib/text.ts';
import type { LoadedPipeline } from '../../pipeline/loader.ts';
import { tracedBy } from '../../telemetry/ids.ts';
import { fingerprintOf, idempotencyKeyOf } from '../http/idempotency.ts';
import { Problem } from '../http/problem.ts';
import { type AnyRoute, type Asked, base, type Reply, route } from '../http/route.ts';
import * as examples from './examples.ts';
import { type Asking, findPipeline, givenValue, partName, readRun, runParams, shownCause } from './shared.ts';

const requestHeaders = {
  traceparent: 'The place of the request in a trace (W3C), to which the run then belongs; an invalid one is ignored',
  'Idempotency-Key': 'A text of at most 255 characters: a repeated request with it gets the first answer again',
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
  { again, retries, with: values }: Pick<RunState, 'again' | 'retries'> & Pick<Cause, 'with'>,
): Promise<Reply<Started>> {
  const key = idempotencyKeyOf(headers);
  if (key === undefined && /\bhandling\s*=\s*strict\b/i.test(headers.get('prefer') ?? ''))
    throw new Problem(400, 'Prefer: handling=strict needs an Idempotency-Key');
  const { run, isNew } = await api.start(loaded, {
    ...(again && { again }),
    ...(retries && { retries }),
    cause: {
      ...{ kind: 'api', by: principal.name },
      ...(key !== undefined && { key, request: fingerprint }),
      ...(values && { with: values }),
      ...tracedBy(headers.get('traceparent')),
    },
    ...(key !== undefined && { idempotencyKey: `api/${principal.id}/${key}` }),
  });
  return startedReply({ api, principal }, run, isNew, fingerprint);
}

/** The answer about a run. Throws a Problem when another request has started it. */
async function startedReply(
  { api, principal }: Asking,
  run: string,
  isNew: boolean,
  fingerprint: string,
): Promise<Reply<Started>> {
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
    body: { run, number, pipeline, started: iso(started) as string, cause: shownCause(principal, cause) },
    headers: { location: `${base}/runs/${run}`, ...(!isNew && { 'idempotency-replayed': 'true' }) },
  };
}

/** Throws a Problem for values whose names no trigger of the pipeline declares: nothing would read them. */
function assertDeclared({ pipeline, file }: LoadedPipeline, values: Readonly<Record<string, string>>): void {
  const declared = [...new Set(Object.values(pipeline.triggers ?? {}).flatMap((each) => Object.keys(each.with ?? {})))];
  const details = Object.keys(values)
    .filter((name) => !declared.includes(name))
    .map((name) => ({
      ...{ in: 'body' as const, pointer: `/with/${name.replaceAll('~', '~0').replaceAll('/', '~1')}` },
      ...{ message: 'is not declared', hint: `known: ${declared.join(', ') || 'none'}` },
    }));
  const [first] = details;
  if (first)
    throw new Problem(422, `no trigger of ${pipeline.name} has a value ${first.pointer.slice(6)} under with`, {
      details,
      hint: `declare it in ${file}; ${first.hint}`,
    });
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
    with: z
      .record(z.string(), givenValue)
      .optional()
      .describe('Values for trigger.with; their names are those under `with` of the pipeline’s triggers'),
  }),
  headers: { ...requestHeaders, Prefer: 'handling=strict: refuse a request without an Idempotency-Key' },
  status: 201,
  response: startedSchema,
  errors: [404, 422],
  example: { body: { pipeline: 'customer-report' }, answer: startedExample },
  async handler(asked) {
    const { pipeline, fullRefresh, from, with: values } = asked.body;
    const loaded = await findPipeline(asked, pipeline);
    if (values) assertDeclared(loaded, values);
    const isFull = fullRefresh === true || from !== undefined;
    if (fullRefresh === false && from !== undefined)
      throw new Problem(422, 'from is for a full refresh, and fullRefresh is false', {
        details: [{ in: 'body', pointer: '/from', message: 'needs fullRefresh', hint: 'leave fullRefresh out' }],
      });
    const since = from === undefined ? {} : { since: Date.parse(from) };
    const again = isFull ? { again: true as const, ...since } : undefined;
    return start(asked, loaded, fingerprintOf('startRun', asked.body), {
      ...(again && { again }),
      ...(values && { with: values }),
    });
  },
});

const retryRun = route({
  name: 'retryRun',
  method: 'POST',
  path: '/runs/{run}:retry',
  scope: 'runs:write',
  summary: 'Starts a run of the same pipeline for the same reason as one that has ended',
  params: runParams,
  query: z.strictObject({
    fromStep: partName
      .optional()
      .describe('Compute only this step and what depends on it, and what had not succeeded; from the same rows'),
    fresh: z
      .literal('true')
      .optional()
      .describe('Measure the sources again, also when the rows of that run are still there'),
  }),
  headers: requestHeaders,
  status: 201,
  response: startedSchema,
  errors: [404, 409, 422],
  example: { params: { run: examples.run }, query: { fromStep: 'marts' }, answer: startedExample },
  async handler(asked) {
    const { api, principal, headers, query } = asked;
    const { run, state, summary } = await readRun(asked, asked.params.run);
    const loaded = await findPipeline(asked, summary.pipeline);
    const retries = retriedBy(run, query);
    const request = fingerprintOf('retryRun', retries);
    const key = idempotencyKeyOf(headers);
    const id = `${principal.id}/${key}`;
    const refusal = await retryRefusal(api.store, loaded.pipeline, { summary, state }, retries);
    const before = refusal && key !== undefined && (await startedBy(api.store, summary.pipeline, { request, key, id }));
    if (before) return startedReply(asked, before, false, request);
    if (refusal) throw new Problem(refusal.because === 'state' ? 409 : 422, refusal.message, { hint: refusal.hint });
    const { cause, again } = state;
    if (!isTriggered(cause))
      return start(asked, loaded, request, {
        retries,
        ...(again && { again }),
        ...(cause?.with && { with: cause.with }),
      });
    const entered = await retryFiring(
      api.store,
      loaded,
      { cause, started: summary.started },
      {
        ...{ by: principal.name, retries },
        ...(key !== undefined && { id, request }),
        ...tracedBy(headers.get('traceparent')),
      },
    );
    if (entered.run === undefined)
      throw new Problem(429, entered.reason ?? 'the earlier repetition was removed', {
        headers: { 'retry-after': '60' },
      });
    return startedReply(asked, entered.run, entered.isNew, request);
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
  headers: requestHeaders,
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
    return start(asked, loaded, fingerprintOf('replayRun', { run, ...query, sum }), { again });
  },
});

/** What starts runs. */
export const startRoutes: readonly AnyRoute[] = [startRun, retryRun, replayRun] as never;
export const startCalls = { startRun, retryRun, replayRun };
