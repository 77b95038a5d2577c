import { z } from 'zod';
import type { Scope } from '../../../domain/ports/tokens.ts';
import { checkedForm } from '../../http/input.ts';
import { type AnyRoute, type Asked, type Reply, route } from '../../http/route.ts';
import { type Notice, notices } from '../words/words.ts';
import { type Content, pageResponse } from './layout.ts';
import { type View, viewOf } from './view.ts';

type Shape = z.ZodRawShape;
type Output<S extends Shape> = z.output<z.ZodObject<S, z.core.$strict>>;

interface Page<P extends Shape, Q extends Shape> {
  readonly name: string;
  readonly path: string;
  readonly scope: Scope | 'none';
  readonly summary: string;
  readonly params?: P;
  readonly query?: Q;
  /** The page, or another answer, such as the way to another page. */
  content(asked: Asked<Output<P>, Output<Q>, undefined>, view: View): Promise<Content | Response>;
}

/** Declares a page. A form that leads to it may have a notice in its query. */
export function page<P extends Shape = Record<never, never>, Q extends Shape = Record<never, never>>(
  of: Page<P, Q>,
): AnyRoute {
  const { name, path, scope, summary, params, query } = of;
  return route({
    ...{ name, method: 'GET', path, isRoot: true, isPage: true, scope, summary },
    ...(params && { params: z.strictObject(params) }),
    query: z.strictObject({ ...query, notice: z.enum(notices).optional() }),
    also: { 'text/html': 'The page' },
    errors: [404],
    example: {},
    async handler(asked) {
      const view = viewOf(asked.headers, asked.url, asked.api, scope === 'none' ? undefined : asked.principal);
      const { notice, ...rest } = asked.query as { notice?: Notice };
      const content = await of.content({ ...asked, query: rest } as never, view);
      return content instanceof Response ? content : pageResponse(content, view, notice);
    },
  }) as unknown as AnyRoute;
}

/** Leads a browser to another page. */
export const ledTo = (location: string): Response => new Response(null, { status: 303, headers: { location } });

interface Action<P extends Shape, F extends Shape> {
  readonly name: string;
  readonly path: string;
  readonly scope: Scope | 'none';
  readonly summary: string;
  readonly params?: P;
  /** Empty fields count as left out. */
  readonly form?: F;
  /** A form with a file. */
  readonly maximumBytes?: number;
  /** Does it, and returns where the browser goes then, or a whole answer. */
  perform(asked: Asked<Output<P>, unknown, undefined> & { readonly form: Output<F> }): Promise<string | Response>;
}

/** Declares what a form of a page does. */
export function action<P extends Shape = Record<never, never>, F extends Shape = Record<never, never>>(
  of: Action<P, F>,
): AnyRoute {
  const { name, path, scope, summary, params, form, maximumBytes } = of;
  return route({
    ...{ name, method: 'POST', path, isRoot: true, isPage: true, scope, summary },
    ...(params && { params: z.strictObject(params) }),
    accepts: maximumBytes === undefined ? 'application/x-www-form-urlencoded' : 'multipart/form-data',
    ...(maximumBytes !== undefined && { maximumBytes }),
    errors: [404, 409, 422],
    example: {},
    async handler(asked) {
      const fields = await checkedForm(z.strictObject(form ?? {}), asked.headers, asked.raw);
      const done = await of.perform({ ...asked, form: fields } as never);
      return done instanceof Response ? done : ledTo(done);
    },
  }) as unknown as AnyRoute;
}

/** An address with a notice. */
export const noticed = (path: string, notice: Notice): string =>
  `${path}${path.includes('?') ? '&' : '?'}notice=${notice}`;

/** The answer of a route of the API to what a page asks: pages have no ways of their own to data. */
export async function answerTo<P, Q, B, R>(
  of: { handler(asked: Asked<P, Q, B>): Promise<Reply<R> | Response> },
  asked: Omit<Asked<unknown, unknown, unknown>, 'params' | 'query' | 'body'>,
  parts: { readonly params?: P; readonly query?: Q; readonly body?: B; readonly headers?: Record<string, string> },
): Promise<R> {
  const { params = {} as P, query = {} as Q, body = undefined as B } = parts;
  // Conditions and preferences of a browser are about the page.
  const reply = await of.handler({
    ...asked,
    params,
    query,
    body,
    headers: new Headers(parts.headers),
    stream: undefined,
  });
  if (reply instanceof Response) throw new TypeError('the route answers no JSON');
  return reply.body;
}
