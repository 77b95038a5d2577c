import { z } from 'zod';
import { newToken } from '../../app/access/token.ts';
import { auditLine, auditSchema, tokenLine, tokenSchema } from '../../app/views/lists.ts';
import { scopes } from '../../domain/ports/tokens.ts';
import { cursorOf, numberOf, page, pageOf, pageQuery } from '../http/cursor.ts';
import { Problem } from '../http/problem.ts';
import { type AnyRoute, base, route } from '../http/route.ts';
import * as examples from './examples.ts';
import { sees } from './shared.ts';

const tokenExample = {
  id: '4fQ9sKxa',
  name: 'airflow',
  scopes: ['read', 'runs:write'],
  pipelines: ['customer-*'],
  created: examples.started,
  by: 'first',
  expires: null,
  used: null,
  revoked: null,
};

const listTokens = route({
  name: 'listTokens',
  method: 'GET',
  path: '/tokens',
  scope: 'admin',
  summary: 'The tokens of the project, without their secrets',
  response: z.object({ items: z.array(tokenSchema) }),
  example: { answer: { items: [tokenExample] } },
  handler: async ({ api }) => ({ body: { items: (await api.store.tokens()).map(tokenLine) } }),
});

const createToken = route({
  name: 'createToken',
  method: 'POST',
  path: '/tokens',
  scope: 'admin',
  summary: 'Creates a token. Its text is in this answer alone',
  body: z.strictObject({
    name: z.string().regex(/^[^\p{Cc}]{1,100}$/u),
    scopes: z.array(z.enum(scopes)).min(1).default(['read']),
    pipelines: z
      .array(z.string().regex(/^[A-Za-z0-9*][A-Za-z0-9*._-]{0,99}$/, 'must be a name, in which * is any text'))
      .min(1)
      .max(100)
      .default(['*']),
    expires: z.iso.datetime({ offset: true }).optional(),
  }),
  status: 201,
  response: tokenSchema.extend({ token: z.string() }).meta({ id: 'CreatedToken' }),
  errors: [422],
  example: {
    body: { name: 'airflow', scopes: ['read', 'runs:write'], pipelines: ['customer-*'] },
    answer: { ...tokenExample, token: 'slu_ID_SECRET' },
  },
  async handler({ api, principal, body }) {
    const wider = body.pipelines.find((glob) => !sees(principal, glob));
    if (wider !== undefined) throw new Problem(403, `this token does not see the pipelines ${wider}`);
    const expires = body.expires === undefined ? undefined : Date.parse(body.expires);
    if (expires !== undefined && expires <= api.now())
      throw new Problem(422, 'the time of its expiry has passed', {
        details: [{ in: 'body', pointer: '/expires', message: 'is in the past' }],
      });
    const { name } = body;
    const { text, token } = newToken(
      { name, scopes: [...new Set(body.scopes)], pipelines: body.pipelines, expires, by: principal.name },
      api.now(),
    );
    await api.store.addToken(token);
    return { body: { ...tokenLine(token), token: text }, headers: { location: `${base}/tokens/${token.id}` } };
  },
});

const revokeToken = route({
  name: 'revokeToken',
  method: 'DELETE',
  path: '/tokens/{id}',
  scope: 'admin',
  summary: 'Revokes a token at once and for good',
  params: z.strictObject({ id: z.string().regex(/^[0-9A-Za-z]{1,32}$/) }),
  status: 204,
  errors: [404],
  example: { params: { id: '4fQ9sKxa' } },
  async handler({ api, params }) {
    if (!(await api.store.revokeToken(params.id, api.now())))
      throw new Problem(404, `there is no token ${params.id}, or it was revoked before`);
    return { body: undefined };
  },
});

const getAudit = route({
  name: 'getAudit',
  method: 'GET',
  path: '/audit',
  scope: 'admin',
  summary: 'Who changed what, and which logins were refused; the newest first',
  query: z.strictObject(pageQuery),
  response: pageOf(auditSchema),
  example: {
    query: { limit: 1 },
    answer: {
      items: [
        {
          number: 7,
          at: examples.started,
          by: 'airflow',
          token: '4fQ9sKxa',
          address: '127.0.0.1',
          action: 'POST /api/v1/runs/{run}:cancel',
          target: examples.run,
          status: 202,
          detail: null,
        },
      ],
      next: 'eyJuIjo3fQ',
    },
  },
  async handler({ api, principal, query, url }) {
    // An entry does not say which pipeline it is about.
    if (!principal.pipelines.includes('*'))
      throw new Problem(403, 'the audit log is about all pipelines', {
        hint: 'ask with a token that sees them all',
      });
    const before = query.after === undefined ? {} : { before: numberOf(query.after) };
    const found = await api.store.audit({ ...before, limit: query.limit + 1 });
    const items = found.slice(0, query.limit);
    const last = items.at(-1);
    return page(url, items.map(auditLine), found.length > query.limit && last ? cursorOf(last.number) : null);
  },
});

/** For clients. */
export const accessCalls = { listTokens, revokeToken, getAudit };
/** Tokens, and the audit log. */
export const accessRoutes: readonly AnyRoute[] = [listTokens, createToken, revokeToken, getAudit];
