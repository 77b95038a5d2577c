import { expect, test } from 'vitest';
import type { z } from 'zod';
import { fullPath } from '../../controller/server/http/route.ts';
import { routes } from '../../controller/server/routes/table.ts';
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
    const body = await response.json();
    expect(of.response?.parse(body), of.name).toEqual(body);
  }
  expect(asked).toEqual(
    expect.arrayContaining(['listRuns', 'getRun', 'getEvents', 'getTimeline', 'getAudit', 'readyz']),
  );
});
