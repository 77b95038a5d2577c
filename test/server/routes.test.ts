import { expect, test } from 'vitest';
import { z } from 'zod';
import { fullPath, route } from '../../controller/server/http/route.ts';
import { routes } from '../../controller/server/routes-table.ts';
import { finished, world } from './world.ts';

const strictly = (schema: z.ZodType, value: unknown): void => {
  expect(schema.parse(value)).toEqual(value);
};

test('every route has an example that its schemas accept', () => {
  expect(routes.length).toBeGreaterThan(25);
  for (const { name, params, query, body, response, example } of routes) {
    if (params) strictly(params, example.params);
    if (query) expect(() => query.parse(example.query ?? {}), name).not.toThrow();
    if (body) expect(() => body.parse(example.body), name).not.toThrow();
    if (response) strictly(response, example.answer);
    if (params === undefined) expect(example.params, name).toBeUndefined();
  }
});

test('names and patterns of routes are unique', () => {
  const names = routes.map(({ name }) => name);
  const patterns = routes.map((of) => `${of.method} ${fullPath(of)}`);
  expect(new Set(names).size).toBe(routes.length);
  expect(new Set(patterns).size).toBe(routes.length);
});

test('reads answer what their schemas say', async () => {
  const { get, run } = await world();
  const { name } = await run('alpha', finished.events, finished.entry);
  const values: Record<string, string> = { run: name, other: name, kind: 'conflict' };
  const asked: string[] = [];
  for (const of of routes.filter(({ method }) => method === 'GET')) {
    const path = fullPath(of).replace(/\{(\w+)\}/g, (_, each) => values[each] ?? 'unknown');
    const response = await get(path);
    if (!response.ok) {
      expect(Object.keys(of.example.query ?? {}).length > 0 ? [400, 404] : [404], path).toContain(response.status);
      continue;
    }
    asked.push(of.name);
    if (!of.response) continue;
    const body = await response.json();
    expect(of.response.parse(body), of.name).toEqual(body);
  }
  expect(asked).toEqual(
    expect.arrayContaining(['listRuns', 'getRun', 'getEvents', 'getTimeline', 'getAudit', 'readyz']),
  );
});

test('a route at the root without a token, with a body of any type, is added by its declaration', async () => {
  const hook = route({
    name: 'hook',
    method: 'POST',
    path: '/hooks/{pipeline}/{trigger}',
    isRoot: true,
    scope: 'none',
    summary: 'A test',
    params: z.strictObject({ pipeline: z.string(), trigger: z.string() }),
    accepts: '*/*',
    maximumBytes: 10,
    status: 202,
    response: z.object({ bytes: z.int() }),
    example: { params: { pipeline: 'p', trigger: 't' }, answer: { bytes: 3 } },
    handler: async ({ raw }) => ({ body: { bytes: raw.length } }),
  });
  const { ask, store } = await world({ routes: [hook] });
  const send = (body: string, type: string) =>
    ask('POST', '/hooks/alpha/door', { as: null, body, headers: { 'content-type': type } });
  const response = await send('{"a"', 'application/vnd.github+json');
  expect([response.status, await response.json()]).toEqual([202, { bytes: 4 }]);
  expect((await send('x'.repeat(11), 'text/plain')).status).toBe(413);
  // What was taken is in the ledger; what was refused is in the audit log.
  const action = 'POST /hooks/{pipeline}/{trigger}';
  expect(await store.audit({ limit: 2 })).toMatchObject([{ by: 'unknown', action, target: 'alpha', status: 413 }]);
});
