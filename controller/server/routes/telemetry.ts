import { comparedDocument, comparedDocumentSchema } from '../../app/views/compared.ts';
import { lineageSchema, traceSchema } from '../../app/views/telemetry.ts';
import { traceOf } from '../../telemetry/trace.ts';
import { etagOf, isKnown, notModified } from '../http/conditions.ts';
import { type AnyRoute, route } from '../http/route.ts';
import * as examples from './examples.ts';
import { readRun, runParams } from './shared.ts';

const conditional = { 'If-None-Match': 'The ETag of the version that the client has: 304 when it is the newest' };

const getLineage = route({
  name: 'getLineage',
  method: 'GET',
  path: '/runs/{run}/lineage',
  scope: 'read',
  summary: 'The lineage of a run and of its steps, as events of OpenLineage',
  params: runParams,
  headers: conditional,
  response: lineageSchema,
  errors: [404],
  example: { params: { run: examples.run }, answer: { run: examples.run, events: [examples.lineage] } },
  async handler(asked) {
    const { run, history, seq } = await readRun(asked, asked.params.run);
    const etag = etagOf(run, seq);
    if (isKnown(asked.headers, etag)) return notModified(etag);
    return { body: (await asked.api.lineage(history)) as never, headers: { etag } };
  },
});

const getTrace = route({
  name: 'getTrace',
  method: 'GET',
  path: '/runs/{run}/trace',
  scope: 'read',
  summary: 'The trace of a run, as a collector takes it by OTLP',
  params: runParams,
  headers: conditional,
  response: traceSchema,
  errors: [404],
  example: { params: { run: examples.run }, answer: examples.trace },
  async handler(asked) {
    const { api, headers, params } = asked;
    const { run, history, seq } = await readRun(asked, params.run);
    const etag = etagOf(run, seq);
    if (isKnown(headers, etag)) return notModified(etag);
    return { body: traceOf(history, { project: api.project, version: api.version }) as never, headers: { etag } };
  },
});

const getCompared = route({
  name: 'getCompared',
  method: 'GET',
  path: '/runs/{run}/normal',
  scope: 'read',
  summary: 'A run compared with the runs of its pipeline before it: rows, invalid rows, duplicates, ages, duration',
  params: runParams,
  response: comparedDocumentSchema,
  errors: [404],
  example: { params: { run: examples.run }, answer: { run: examples.run, compared: [examples.compared] } },
  async handler(asked) {
    const { state } = await readRun(asked, asked.params.run);
    return { body: (await comparedDocument(asked.api.store, state)) as never };
  },
});

/** Runs beside others, and for tools of lineage and of traces. */
export const telemetryRoutes: readonly AnyRoute[] = [getLineage, getTrace, getCompared];
export const telemetryCalls = { getLineage, getTrace, getCompared };
