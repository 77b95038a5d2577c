import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { WatchedPipeline } from '../../app/pipelines/watched.ts';
import { runLineSchema } from '../../app/views/documents.ts';
import { runLine } from '../../app/views/lists.ts';
import { triggerSchema } from '../../app/views/triggers.ts';
import type { RunSummary } from '../../domain/ports/store.ts';
import { isKnown, notModified } from '../http/conditions.ts';
import { Problem } from '../http/problem.ts';
import { type AnyRoute, route } from '../http/route.ts';
import * as examples from './examples.ts';
import { type Asking, partName, sees } from './shared.ts';

const version = z
  .string()
  .describe('Of the served content: the file, its SQL and its calendars; empty when there is none');
const problem = z.string().nullable().describe('Why the file cannot be used; its last valid content is served');

const pipelineSchema = z
  .object({
    pipeline: z.string(),
    description: z.string().nullable(),
    file: z.string(),
    version,
    problem,
    sources: z.array(z.string()),
    steps: z.array(z.string()),
    triggers: z.array(z.string()),
    last: runLineSchema.nullable().describe('Its last run'),
  })
  .meta({ id: 'Pipeline' });

const detailSchema = pipelineSchema
  .extend({
    servers: z
      .array(z.object({ controller: z.string(), release: z.string(), version, problem }))
      .describe('What each server has of it; when they differ, its triggers are held'),
    triggers: z.array(triggerSchema),
  })
  .meta({ id: 'PipelineDetail' });

const example = {
  ...{ pipeline: 'customer-report', description: null, file: 'conf/pipelines/customer-report.yaml' },
  ...{ version: '5f6b1c0d9e8a7b23', problem: null, sources: ['deliveries'], steps: ['marts'] },
  ...{ triggers: ['nightly'], last: examples.line },
};

function shown({ name, file, loaded, ...rest }: WatchedPipeline, runs: readonly RunSummary[]) {
  const last = runs.find(({ pipeline }) => pipeline === name);
  const { description, sources = {}, steps = {}, triggers = {} } = loaded?.pipeline ?? {};
  return {
    ...{ pipeline: name, description: description ?? null, file, version: rest.version, problem: rest.problem ?? null },
    ...{ sources: Object.keys(sources), steps: Object.keys(steps), triggers: Object.keys(triggers) },
    last: last ? runLine(last) : null,
  };
}

/** A file of the folder of pipelines that the principal sees, also one that cannot be used. */
async function findFile({ api, principal }: Asking, name: string): Promise<WatchedPipeline> {
  const found = (await api.watched()).find((each) => each.name === name);
  if (found && sees(principal, name)) return found;
  throw new Problem(404, `there is no pipeline ${name}`, { hint: 'GET /api/v1/pipelines lists them' });
}

const listPipelines = route({
  name: 'listPipelines',
  method: 'GET',
  path: '/pipelines',
  scope: 'read',
  summary: 'The pipelines that the server knows, each with its last run; also those whose file has a problem',
  response: z.object({ items: z.array(pipelineSchema) }),
  example: { answer: { items: [example] } },
  async handler({ api, principal }) {
    const all = (await api.watched()).filter(({ name }) => sees(principal, name));
    const runs = await api.store.newest(
      all.map(({ name }) => name),
      1,
    );
    return { body: { items: all.map((each) => shown(each, runs)) } };
  },
});

const getPipeline = route({
  name: 'getPipeline',
  method: 'GET',
  path: '/pipelines/{pipeline}',
  scope: 'read',
  summary: 'A pipeline: its version here and on the other servers, its triggers and when they are due',
  params: z.strictObject({ pipeline: partName }),
  headers: { 'If-None-Match': 'The ETag of the version that the client has: 304 when nothing of it has changed' },
  response: detailSchema,
  errors: [404],
  example: {
    params: { pipeline: 'customer-report' },
    answer: {
      ...example,
      servers: [{ controller: 'host/9f86d081/42/1/a1b2c3', release: '7', version: example.version, problem: null }],
      triggers: [examples.trigger],
    },
  },
  async handler(asked) {
    const { api, params, headers } = asked;
    const found = await findFile(asked, params.pipeline);
    const [runs, servers, triggers] = await Promise.all([
      api.store.newest([found.name], 1),
      api.store.servers(),
      api.triggers.list(),
    ]);
    const body = {
      ...shown(found, runs),
      servers: servers.flatMap(({ owner, info: { release, pipelines } }) => {
        const has = Object.hasOwn(pipelines, found.name) ? pipelines[found.name] : undefined;
        return has ? [{ controller: owner, release, version: has.version, problem: has.problem ?? null }] : [];
      }),
      triggers: triggers.filter(({ pipeline }) => pipeline === found.name),
    };
    // The last run and the instants to come change, too.
    const also = createHash('sha256').update(JSON.stringify(body)).digest('hex').slice(0, 8);
    const etag = `"${found.version}.${also}"`;
    if (isKnown(headers, etag)) return notModified(etag);
    return { body, headers: { etag, 'cache-control': 'private, no-cache' } };
  },
});

const yaml = 'text/yaml';
const getPipelineFile = route({
  name: 'getPipelineFile',
  method: 'GET',
  path: '/pipelines/{pipeline}/file',
  scope: 'read',
  summary: 'The text of the file of a pipeline; when the file has a problem, that of its last valid content',
  params: z.strictObject({ pipeline: partName }),
  headers: { 'If-None-Match': 'The ETag of the version that the client has: 304 when it is the newest' },
  also: { [yaml]: 'The text of the file' },
  errors: [404],
  example: { params: { pipeline: 'customer-report' } },
  async handler(asked) {
    const { version: served, loaded, file } = await findFile(asked, asked.params.pipeline);
    if (!loaded) throw new Problem(404, `${file} was never valid`, { hint: 'GET /api/v1/pipelines has its problem' });
    const etag = `"${served}"`;
    if (isKnown(asked.headers, etag)) return notModified(etag);
    return new Response(loaded.text, {
      headers: { 'content-type': `${yaml}; charset=utf-8`, 'cache-control': 'private, no-cache', etag },
    });
  },
});

/** For clients. */
export const pipelineCalls = { listPipelines, getPipeline };
/** What is known of pipelines. */
export const pipelineRoutes: readonly AnyRoute[] = [listPipelines, getPipeline, getPipelineFile] as never;
