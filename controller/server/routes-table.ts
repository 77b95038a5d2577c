import { z } from 'zod';
import { docsPage, docsPolicy } from './http/docs-page.ts';
import { openApiOf } from './http/openapi.ts';
import { type AnyRoute, route } from './http/route.ts';
import { accessRoutes } from './routes/access.ts';
import { actionRoutes } from './routes/actions.ts';
import { healthRoutes } from './routes/health.ts';
import { historyRoutes } from './routes/history.ts';
import { hookRoutes } from './routes/hooks.ts';
import { logRoutes } from './routes/logs.ts';
import { pipelineRoutes } from './routes/pipelines.ts';
import { planRoutes } from './routes/plans.ts';
import { quarantineRoutes } from './routes/quarantine.ts';
import { runRoutes } from './routes/runs.ts';
import { startRoutes } from './routes/starts.ts';
import { telemetryRoutes } from './routes/telemetry.ts';
import { triggerActionRoutes } from './routes/trigger-actions.ts';
import { triggerRoutes } from './routes/triggers.ts';
import { alertRoutes } from './routes/watch/alerts.ts';
import { metricsRoutes } from './routes/watch/metrics.ts';
import { promiseRoutes } from './routes/watch/promises.ts';

const getOpenApi = route({
  name: 'getOpenApi',
  method: 'GET',
  path: '/openapi.json',
  scope: 'none',
  summary: 'This document',
  response: z.record(z.string(), z.unknown()),
  example: { answer: { openapi: '3.1.0' } },
  handler: async ({ api }) => ({ body: openApi(api.version), headers: { 'cache-control': 'public, max-age=300' } }),
});

const html = 'text/html';
const getDocs = route({
  name: 'getDocs',
  method: 'GET',
  path: '/docs',
  isRoot: true,
  scope: 'none',
  summary: 'This document as a page',
  also: { [html]: 'The page' },
  example: {},
  handler: async ({ api }) =>
    new Response(docsPage(openApi(api.version)), {
      headers: {
        'content-type': `${html}; charset=utf-8`,
        'content-security-policy': docsPolicy,
        'cache-control': 'public, max-age=300',
      },
    }),
});

/** All routes of the server. A new one is a file with a list, and a line here. */
export const routes: readonly AnyRoute[] = [
  ...pipelineRoutes,
  ...planRoutes,
  ...runRoutes,
  ...telemetryRoutes,
  ...historyRoutes,
  ...logRoutes,
  ...quarantineRoutes,
  ...startRoutes,
  ...actionRoutes,
  ...triggerRoutes,
  ...triggerActionRoutes,
  ...alertRoutes,
  ...promiseRoutes,
  ...hookRoutes,
  ...accessRoutes,
  ...healthRoutes,
  ...metricsRoutes,
  getOpenApi,
  getDocs,
];

/** The OpenAPI document of all routes. */
export const openApi = (version: string): Record<string, unknown> => openApiOf(routes, version);
