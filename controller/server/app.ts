import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import type { ServeSettings } from '../config/serve.ts';
import { reasonOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { type AnswerDeps, answerOf } from './answer.ts';
import { Doors } from './doors/doors.ts';
import type { Api } from './http/api.ts';
import { Problem, problemOf, problemResponse } from './http/problem.ts';
import { type AnyRoute, fullPath, type Principal, patternOf } from './http/route.ts';
import { isForPeople, problemPage } from './pages/frame/problems.ts';
import { pageRoutes } from './pages/table.ts';
import { routes as apiRoutes } from './routes-table.ts';

export interface AppOptions {
  readonly api: Api;
  readonly settings: ServeSettings;
  /** Whether the server is known by the name in a Host header. */
  readonly isKnownHost: (host: string) => boolean;
  readonly logger: Logger;
  /** The table of routes; all of them when left out. */
  readonly routes?: readonly AnyRoute[];
  /** The longest time for an answer. Milliseconds; 30 s when left out. */
  readonly answerMs?: number;
  readonly streams?: AnswerDeps['streams'];
}

/** On every answer that has none of its own: nothing of it is a page, and no other site may use it. */
const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};
const defaultAnswerMs = 30_000;

const allRoutes: readonly AnyRoute[] = [...apiRoutes, ...pageRoutes];

/** What the server tells of a connection; nothing in tests without one. */
interface Env {
  readonly Bindings: { readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } } };
}

/** The pattern of Hono for a path, and the verb at its end. */
function honoPath(of: AnyRoute): { path: string; verb: string } {
  const [, verb = ''] = /\}(:[a-z]+)$/.exec(of.path) ?? [];
  const path = fullPath(of).replace(/\{(\w+)\}(:[a-z]+)?/g, (_, name, action = '') => `:${name}{[^/:]+${action}}`);
  return { path, verb };
}

/** Whether a path is of a route, whatever its method. */
const pathPattern = (of: AnyRoute): RegExp =>
  new RegExp(
    `^${fullPath(of)
      .replace(/[.]/g, '\\.')
      .replace(/\{\w+\}/g, '[^/:]+')}$`,
  );

/** The HTTP application: the doors, and behind them the routes. */
export function httpApp(options: AppOptions): Hono<Env> {
  const { routes = allRoutes } = options;
  const serve = serverOf(options);
  const app = new Hono<Env>();
  for (const each of routes) {
    const { path, verb } = honoPath(each);
    app.on(each.method, path, (context) => {
      const given: Record<string, string> = context.req.param();
      const last = Object.keys(given).at(-1);
      // The verb follows the last parameter alone.
      const params = Object.entries(given).map(([name, value]) => [
        name,
        verb !== '' && name === last ? value.slice(0, -verb.length) : value,
      ]);
      return serve(each, context.req.raw, context.env?.incoming?.socket?.remoteAddress, Object.fromEntries(params));
    });
  }
  const patterns = routes.map((each) => ({ pattern: pathPattern(each), method: each.method }));
  app.notFound((context) => {
    const methods = patterns.filter(({ pattern }) => pattern.test(context.req.path)).map(({ method }) => method);
    const allow = [...new Set(methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])))].join(', ');
    const problem =
      allow === ''
        ? new Problem(404, 'there is no such resource', { hint: 'GET /api/v1/openapi.json describes all' })
        : new Problem(405, `the resource has ${allow}`, { headers: { allow } });
    return serve(problem, context.req.raw, context.env?.incoming?.socket?.remoteAddress, {});
  });
  app.onError((error) => problemResponse(problemOf(error), `urn:uuid:${randomUUID()}`));
  return app;
}

type Serve = (
  of: AnyRoute | Problem,
  request: Request,
  remote: string | undefined,
  params: Record<string, string>,
) => Promise<Response>;

/** Takes requests through the doors to their routes, or to a problem. Writes the log and the audit. */
function serverOf({ api, settings, logger, isKnownHost, answerMs = defaultAnswerMs, streams }: AppOptions): Serve {
  const doors = new Doors({ store: api.store, settings, isKnownHost, logger, now: () => api.now() });
  const deps: AnswerDeps = { api, places: doors.streams, answerMs, streams };

  return async (of, request, remote, params) => {
    const began = performance.now();
    const id = randomUUID();
    const address = doors.addressOf(request, remote);
    const isProblem = of instanceof Problem;
    const isProbe = !isProblem && (of.name === 'livez' || of.name === 'readyz');
    const headers: Record<string, string> = { ...securityHeaders, 'x-request-id': id };
    let principal: Principal | undefined;
    let response: Response;
    try {
      if (!isProbe) Object.assign(headers, doors.enter(request, address));
      if (!isProbe && api.hub.stopped.aborted)
        throw new Problem(503, 'the server stops', { headers: { 'retry-after': '1', connection: 'close' } });
      if (isProblem) throw of;
      principal = await doors.admit(of, request, remote, address);
      Object.assign(headers, doors.authorize(of, principal));
      response = await answerOf(of, request, principal, params, doors.isTls(request, remote), deps);
    } catch (error) {
      const problem = problemOf(error);
      if (problem.status === 500) logger.log('error', `request ${id}: ${stackOf(problem.cause)}`, { request: id });
      response = (isProblem ? isForPeople(request) : of.isPage)
        ? problemPage(problem, request, { api, principal, isTls: doors.isTls(request, remote), id })
        : problemResponse(problem, `urn:uuid:${id}`);
    }
    for (const [name, value] of Object.entries(headers))
      if (!response.headers.has(name)) response.headers.set(name, value);
    const { status } = response;
    if (!isProblem && principal && isAudited(of, status)) {
      const [made] = response.headers.get('location')?.split('?') ?? [];
      const target = params.run ?? params.pipeline ?? params.id ?? made?.split('/').at(-1);
      const { name: by, token } = principal;
      const entry = { by, token, address, action: patternOf(of), target, status };
      if (of.scope === 'none') await doors.recordStranger(entry);
      else await doors.record({ ...entry, detail: undefined });
    }
    const pattern = isProblem ? `${methodOf(request)} (no route)` : patternOf(of);
    const took = performance.now() - began;
    const ms = Math.round(took);
    api.requests.observe(pattern, status, took / 1000);
    logger.log(isProbe ? 'debug' : status >= 500 ? 'warn' : 'info', `${pattern} ${status} in ${ms} ms`, {
      ...{ route: pattern, status, ms, request: id },
      ...(principal?.token !== undefined && { token: principal.token }),
    });
    return response;
  };
}

/** A method for the log: an unknown one may be any text. */
const methodOf = ({ method }: Request): string => (/^[A-Z]{1,10}$/.test(method) ? method : 'OTHER');

/**
 * Every write, and every read beyond the rights of its token. Too many requests would flood the log; the ledger has the
 * deliveries of webhooks. A login changes nothing; what is done with it does.
 */
const isAudited = ({ method, scope }: AnyRoute, status: number): boolean =>
  (method !== 'GET' || status === 403) && status !== 429 && !(scope === 'none' && status < 400);

/** The reason of an unforeseen error, with the place of its origin. */
const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 4).join(' | ') : reasonOf(error);
