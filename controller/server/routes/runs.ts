import { z } from 'zod';
import { diffDocument, differencesOf } from '../../app/views/diff.ts';
import {
  diffSchema,
  messageSchema,
  outputSchema,
  phaseSchema,
  planSchema,
  runDocumentSchema,
  runLineSchema,
} from '../../app/views/documents.ts';
import { runLine, timelineDocument } from '../../app/views/lists.ts';
import { runDocument } from '../../app/views/run.ts';
import { timelineOf } from '../../app/views/timeline.ts';
import { outputsOf } from '../../domain/outcome.ts';
import { etagOf, isKnown, notModified } from '../http/conditions.ts';
import { cursorOf, numberOf, page, pageOf } from '../http/cursor.ts';
import { Problem } from '../http/problem.ts';
import { type AnyRoute, route } from '../http/route.ts';
import * as examples from './examples.ts';
import { runFilters } from './run-filters.ts';
import {
  findVisible,
  readRun,
  runName,
  runParams,
  seenPipelines,
  shownCause,
  shownRows,
  waitForEnd,
} from './shared.ts';

const conditional = { 'If-None-Match': 'The ETag of the version that the client has: 304 when it is the newest' };

const listRuns = route({
  name: 'listRuns',
  method: 'GET',
  path: '/runs',
  scope: 'read',
  summary: 'Runs, the newest first',
  query: z.strictObject(runFilters),
  response: pageOf(runLineSchema),
  example: {
    query: { pipeline: 'customer-report', state: ['failed'], limit: 1 },
    answer: { items: [examples.line], next: 'eyJuIjo0MX0' },
  },
  async handler({ api, principal, query, url }) {
    const { pipeline, trigger, branch, q, state, since, until, before, limit, after } = query;
    const numbers = [before, after === undefined ? undefined : numberOf(after)].filter((n) => n !== undefined);
    const found = await api.store.list({
      ...(pipeline !== undefined && { pipeline }),
      ...(trigger !== undefined && { trigger }),
      ...(branch !== undefined && { branch }),
      ...(q !== undefined && { prefix: q }),
      ...(state && { states: state }),
      ...(since !== undefined && { since: Date.parse(since) }),
      ...(until !== undefined && { until: Date.parse(until) }),
      ...(numbers.length > 0 && { before: Math.min(...numbers) }),
      ...seenPipelines(principal),
      limit: limit + 1,
    });
    const items = found.slice(0, limit);
    const last = items.at(-1);
    return page(url, items.map(runLine), found.length > limit && last ? cursorOf(last.number) : null);
  },
});

const counted = runLineSchema.pick({ number: true, rows: true, coreSeconds: true }).shape;

const getRun = route({
  name: 'getRun',
  method: 'GET',
  path: '/runs/{run}',
  scope: 'read',
  summary: 'A run: its state, plan, steps, attempts, results and messages',
  params: runParams,
  headers: { ...conditional, Prefer: 'wait=SECONDS: answer when the run has ended, or after at most 25 s' },
  response: runDocumentSchema.extend(counted).meta({ id: 'Run' }),
  errors: [404],
  example: { params: { run: examples.run }, answer: examples.document },
  async handler(asked) {
    const { api, headers, params } = asked;
    const { run: name } = await findVisible(asked, params.run);
    const applied = await waitForEnd(asked, name);
    const { run, summary, state, seq } = await readRun(asked, name);
    const document = await runDocument(api.store, summary, state);
    const { number, rows, coreSeconds } = runLine(summary);
    const etag = etagOf(run, seq, document.messages);
    if (isKnown(headers, etag)) return notModified(etag);
    // An ended run changes no more; only its messages may still be on their way.
    const isFinal = state.ended && document.messages.every((message) => message.state !== 'waiting');
    return {
      body: {
        ...document,
        cause: document.cause && shownCause(asked.principal, document.cause),
        ...{ number, rows, coreSeconds },
      },
      headers: { etag, 'cache-control': isFinal ? 'private, max-age=3600' : 'private, no-cache', ...applied },
    };
  },
});

const getTimeline = route({
  name: 'getTimeline',
  method: 'GET',
  path: '/runs/{run}/timeline',
  scope: 'read',
  summary: 'The phases of a run, with the time that each took',
  params: runParams,
  headers: conditional,
  response: z.object({ run: z.string(), phases: z.array(phaseSchema) }),
  errors: [404],
  example: {
    params: { run: examples.run },
    answer: {
      run: examples.run,
      phases: [{ what: 'measuring', from: examples.started, ms: 812, outcome: '', parts: {} }],
    },
  },
  async handler(asked) {
    const { run, history, seq } = await readRun(asked, asked.params.run);
    const etag = etagOf(run, seq);
    if (isKnown(asked.headers, etag)) return notModified(etag);
    return { body: { run, phases: timelineDocument(timelineOf(history)) }, headers: { etag } };
  },
});

const getPlan = route({
  name: 'getPlan',
  method: 'GET',
  path: '/runs/{run}/plan',
  scope: 'read',
  summary: 'The plan of a run: branch, steps, Spark settings, and the reason for each',
  params: runParams,
  response: planSchema,
  errors: [404],
  example: { params: { run: examples.run }, answer: examples.plan },
  async handler(asked) {
    const { run, state, seq } = await readRun(asked, asked.params.run);
    if (!state.plan) throw new Problem(404, `run ${run} has no plan yet`);
    return { body: { ...state.plan } as never, headers: { etag: etagOf(run, seq) } };
  },
});

const findingSchema = z.object({
  source: z.string(),
  rows: z.int(),
  of: z.int(),
  examples: z
    .array(z.object({ reason: z.string(), where: z.string(), text: z.string() }))
    .readonly()
    .describe('Rows that fail it; empty without the scope data'),
});

const getChecks = route({
  name: 'getChecks',
  method: 'GET',
  path: '/runs/{run}/checks',
  scope: 'read',
  summary: 'The outcomes of the checks of a run, and what the row checks found',
  params: runParams,
  response: z.object({
    run: z.string(),
    checks: runDocumentSchema.shape.checks,
    findings: z.record(z.string(), findingSchema),
  }),
  errors: [404],
  example: {
    params: { run: examples.run },
    answer: { run: examples.run, checks: examples.document.checks, findings: {} },
  },
  async handler(asked) {
    const { run, state, seq } = await readRun(asked, asked.params.run);
    const findings = shownRows(asked.principal, state.findings ?? {});
    return { body: { run, checks: state.plan?.verdicts ?? [], findings }, headers: { etag: etagOf(run, seq) } };
  },
});

const getOutputs = route({
  name: 'getOutputs',
  method: 'GET',
  path: '/runs/{run}/outputs',
  scope: 'read',
  summary: 'What a run has published',
  params: runParams,
  response: z.object({ run: z.string(), outputs: z.array(outputSchema) }),
  errors: [404],
  example: {
    params: { run: examples.run },
    answer: { run: examples.run, outputs: [{ view: 'marts', kind: 'parquet', where: 'data/marts', rows: 7 }] },
  },
  async handler(asked) {
    const { run, state, seq } = await readRun(asked, asked.params.run);
    return { body: { run, outputs: outputsOf(state) }, headers: { etag: etagOf(run, seq) } };
  },
});

const getMessages = route({
  name: 'getMessages',
  method: 'GET',
  path: '/runs/{run}/messages',
  scope: 'read',
  summary: 'The messages about a run, and whether they are sent',
  params: runParams,
  response: z.object({ run: z.string(), messages: z.array(messageSchema) }),
  errors: [404],
  example: {
    params: { run: examples.run },
    answer: {
      run: examples.run,
      messages: [{ channel: 'email', event: 'failed', to: 'marketing@example.org', state: 'sent' }],
    },
  },
  async handler(asked) {
    const { run } = await findVisible(asked, asked.params.run);
    return { body: { run, messages: await asked.api.store.messages(run) } };
  },
});

const diffRuns = route({
  name: 'diffRuns',
  method: 'GET',
  path: '/runs/{run}/diff/{other}',
  scope: 'read',
  summary: 'The differences of two runs',
  params: z.strictObject({ run: runName, other: runName }),
  response: diffSchema,
  errors: [404],
  example: {
    params: { run: examples.run, other: examples.other },
    answer: { a: examples.run, b: examples.other, differences: [{ what: 'state', a: 'succeeded', b: 'failed' }] },
  },
  async handler(asked) {
    const [a, b] = [await readRun(asked, asked.params.run), await readRun(asked, asked.params.other)];
    return { body: diffDocument(a.run, b.run, differencesOf(a, b)) };
  },
});

/** What is known of runs. */
export const runRoutes: readonly AnyRoute[] = [
  listRuns,
  getRun,
  getTimeline,
  getPlan,
  getChecks,
  getOutputs,
  getMessages,
  diffRuns,
];
export const runCalls = { listRuns, getRun, getMessages };
