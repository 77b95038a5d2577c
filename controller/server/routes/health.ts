import { z } from 'zod';
import { serviceSchema } from '../../app/views/documents.ts';
import { serverDocuments } from '../../app/views/servers.ts';
import { within } from '../../lib/within.ts';
import { Problem, problemKinds } from '../http/problem.ts';
import { type AnyRoute, route } from '../http/route.ts';

/** How long the store has to answer for the server to be ready. Milliseconds. */
const readyMs = 2000;

const livez = route({
  name: 'livez',
  method: 'GET',
  path: '/livez',
  isRoot: true,
  scope: 'none',
  summary: 'Whether the process answers',
  response: z.object({ status: z.literal('ok') }),
  example: { answer: { status: 'ok' } },
  handler: async () => ({ body: { status: 'ok' as const } }),
});

const readyz = route({
  name: 'readyz',
  method: 'GET',
  path: '/readyz',
  isRoot: true,
  scope: 'none',
  summary: 'Whether the server takes requests: the store answers within 2 s, its lease is valid, and it does not stop',
  response: z.object({ status: z.literal('ready') }),
  errors: [503],
  example: { answer: { status: 'ready' } },
  async handler({ api }) {
    const unready = (why: string): Problem => new Problem(503, why, { headers: { 'retry-after': '1' } });
    if (api.hub.stopped.aborted) throw unready('the server stops');
    const active = await within(
      readyMs,
      api.store.controllers().catch(() => undefined),
    );
    if (!active) throw unready('the run store does not answer');
    if (!active.includes(api.owner())) throw unready('the lease of this controller has expired');
    return { body: { status: 'ready' as const } };
  },
});

const kinds = Object.entries(problemKinds).map(([status, [kind, title]]) => ({ kind, title, status: Number(status) }));

const getProblem = route({
  name: 'getProblem',
  method: 'GET',
  path: '/problems/{kind}',
  isRoot: true,
  scope: 'none',
  summary: 'What a type of problem means',
  params: z.strictObject({ kind: z.string().regex(/^[a-z-]{1,50}$/) }),
  response: z.object({ kind: z.string(), title: z.string(), status: z.int() }).meta({ id: 'ProblemKind' }),
  errors: [404],
  example: { params: { kind: 'conflict' }, answer: { kind: 'conflict', title: problemKinds[409][1], status: 409 } },
  async handler({ params }) {
    const body = kinds.find(({ kind }) => kind === params.kind);
    if (!body) throw new Problem(404, `there is no kind of problem ${params.kind}`);
    return { body };
  },
});

const serverSchema = z
  .object({
    controller: z.string(),
    name: z.string(),
    isThis: z.boolean(),
    release: z.string().nullable().describe('Of its deployment; null of a command'),
    tzdata: z.string().nullable(),
    services: z.array(z.string()).readonly(),
    roles: z.array(z.string()).readonly().describe('What it alone does now'),
    url: z.string().nullable().describe('Where its API is'),
  })
  .meta({ id: 'Controller' });

const getControllers = route({
  name: 'getControllers',
  method: 'GET',
  path: '/controllers',
  scope: 'read',
  summary: 'The active controllers of the store',
  response: z.object({
    version: z.string().describe('Of this server'),
    items: z.array(serverSchema),
  }),
  example: {
    answer: {
      version: '0.1.0',
      items: [
        {
          ...{ controller: 'host/9f86d081/42/1/a1b2c3', name: 'process 42 on host', isThis: true, release: '7' },
          ...{ tzdata: '2025c', services: ['worker', 'scheduler', 'dispatcher', 'janitor', 'api'], roles: ['outbox'] },
          url: 'http://127.0.0.1:8811',
        },
      ],
    },
  },
  async handler({ api }) {
    const items = (await serverDocuments(api.store)).map((each) => ({
      ...each,
      isThis: each.controller === api.owner(),
    }));
    return { body: { version: api.version, items } };
  },
});

const getServices = route({
  name: 'getServices',
  method: 'GET',
  path: '/services',
  scope: 'read',
  summary: 'The services that runs use, and whether they answer',
  response: z.object({ items: z.array(serviceSchema).readonly() }),
  example: { answer: { items: [{ name: 'livy', state: 'up', url: 'http://127.0.0.1:8998', pid: 4242 }] } },
  handler: async ({ api }) => ({ body: { items: await api.services() } }),
});

/** The health of the server, and of what it uses. */
export const healthRoutes: readonly AnyRoute[] = [livez, readyz, getProblem, getControllers, getServices];
export const healthCalls = { getServices, getControllers };
