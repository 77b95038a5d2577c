import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { version } from '../../controller/lib/env.ts';
import { openApi } from '../../controller/server/routes-table.ts';
import { finished, generous, world } from './world.ts';

/** The parts of JSON Schema that the document uses. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
}
interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<Record<string, unknown>>;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const text = readFileSync(join(import.meta.dirname, '../../docs/openapi.json'), 'utf8');
const document = JSON.parse(text) as Document;

test('docs/openapi.json is what the routes say (npm run schema writes it)', () => {
  expect(text).toBe(`${JSON.stringify(openApi(version), null, 2)}\n`);
});

test('every reference of the document leads to something', () => {
  const references = [...text.matchAll(/"\$ref": "#\/([^"]+)"/g)].map(([, path]) => path as string);
  expect(references.length).toBeGreaterThan(100);
  for (const reference of new Set(references)) {
    const found = reference
      .split('/')
      .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], document);
    expect(found, reference).toBeDefined();
    expect(found, reference).not.toEqual({ $ref: `#/${reference}` });
  }
});

/** Numbers from 0 to 1 by a seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Values that programs and attackers send by mistake or on purpose. */
const odd: readonly unknown[] = [
  ...[
    '',
    ' ',
    '0',
    '-1',
    '1e9',
    '1.5',
    'NaN',
    'null',
    'true',
    '\u0000',
    '\ud800',
    '🧨',
    '../../etc/passwd',
    '%2e%2e',
    '*',
  ],
  ...[
    "'; DROP TABLE runs; --",
    '$' + '{7*7}',
    '__proto__',
    'constructor',
    'toString',
    'a'.repeat(5000),
    '[]',
    '{}',
    '"',
  ],
  ...['2026-13-45T99:99:99Z', '2026-11-24T06:00:00.000Z', '9999-12-31T23:59:59Z', 'eyJuIjo0Mn0', 'eyJuIjotMX0', 'e30'],
  ...[null, true, 0, -1, 1.5, 1e308, [], {}, [null], { __proto__: 1 }, Number.MAX_SAFE_INTEGER, [[[[[]]]]]],
];

function generator(random: () => number, names: readonly string[]) {
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  const valueFor = (schema: Schema, depth = 0): unknown => {
    if (random() < 0.12) return pick(odd);
    if (schema.$ref) return valueFor(document.components.schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {}, depth + 1);
    if (schema.enum) return pick(schema.enum);
    if (schema.const !== undefined) return schema.const;
    if (schema.anyOf) return valueFor(pick(schema.anyOf), depth + 1);
    const type = typeof schema.type === 'string' ? schema.type : pick(schema.type ?? ['string']);
    const { minimum = 0, maximum = 300 } = schema;
    if (type === 'integer' || type === 'number')
      return Math.floor(minimum + random() * (Math.min(maximum, 1e6) - minimum + 2)) - 1;
    if (type === 'boolean') return random() < 0.5;
    if (type === 'array')
      return Array.from({ length: Math.floor(random() * 4) }, () => valueFor(schema.items ?? {}, depth + 1));
    if (type === 'object') {
      const entries = Object.entries(schema.properties ?? {}).filter(
        ([name]) => random() < (schema.required?.includes(name) ? 0.95 : 0.5),
      );
      const more = random() < 0.1 ? [[String(pick(odd)).slice(0, 40), pick(odd)]] : [];
      return Object.fromEntries([...entries.map(([name, each]) => [name, valueFor(each, depth + 1)]), ...more]);
    }
    if (schema.format === 'date-time') return new Date(Math.floor(random() * 2e12)).toISOString();
    return random() < 0.7 ? pick(names) : pick(odd.filter((each) => typeof each === 'string'));
  };
  const headersOf = (): Record<string, string> => {
    const header = (name: string, values: readonly string[]) => (random() < 0.15 ? { [name]: pick(values) } : {});
    return {
      ...header('if-none-match', ['*', '"x"', 'W/"x:1"', ',,,', '""']),
      ...header('if-match', ['*', '"x:1"', ',', '"', 'W/*']),
      ...header('idempotency-key', ['k', '"k"', '""', 'a b', '"\\""', 'k'.repeat(300)]),
      ...header('prefer', ['wait=0', 'wait=-1', 'wait=1', 'wait=9999999', 'handling=strict', 'wait=x, wait=0', ';;;']),
      ...header('last-event-id', ['0', '-1', 'x', '99999999999999999999', '5']),
      ...header('accept', ['text/event-stream', '*/*', 'text/csv', ';;', 'text/html;q=0.1, text/event-stream']),
      ...header('content-type', [
        'text/plain',
        'application/json;charset=utf-8',
        'text/csv',
        'multipart/form-data',
        '/',
      ]),
      ...header('x-forwarded-for', ['1.2.3.4', 'x'.repeat(500), ',,']),
      ...header('range', ['bytes=0-1']),
      ...header('expect', ['100-continue']),
    };
  };
  return { pick, valueFor, headersOf };
}

const shown = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));

test('no request that the document describes, nor one that it does not, is answered by 5xx', async () => {
  const seed = Number(process.env.FUZZ_SEED ?? 20_261_124);
  const requests = Number(process.env.FUZZ_REQUESTS ?? 6000);
  const random = randomOf(seed);
  const { get, ask, run, store, token, admin } = await world({
    serve: { limits: { ...generous, streams: 1e6, streamsPerToken: 1e6 } },
  });
  const names: string[] = ['alpha', 'beta', 'marts', 'deliveries', 'first'];
  for (let i = 0; i < 4; i++)
    names.push((await run('alpha', i % 2 ? finished.events : [], i % 2 ? finished.entry : {})).name);
  const { pick, valueFor, headersOf } = generator(random, names);
  const operations = Object.entries(document.paths).flatMap(([path, all]) =>
    Object.entries(all).map(([method, of]) => ({ path, method: method.toUpperCase(), of })),
  );
  const tokens = [
    await token(['read']),
    await token(['runs:write']),
    await token(['admin']),
    await token(['data', 'read'], ['al*']),
  ];
  const counts: Record<number, number> = {};
  const undocumented = new Set<string>();
  const failed: string[] = [];
  for (let i = 0; i < requests; i++) {
    const { path, method, of } = pick(operations);
    const values = (where: string) => of.parameters.filter((each) => each.in === where);
    const filled = path.replace(/\{(\w+)\}/g, (_, name) => {
      const schema = values('path').find((each) => each.name === name)?.schema ?? {};
      const value = shown(valueFor(schema));
      return random() < 0.9
        ? encodeURIComponent(value.replace(/\p{Cs}/gu, ''))
        : value.replace(/[#?\p{Cs}\p{Cc} ]/gu, '');
    });
    const query = new URLSearchParams();
    for (const { name, schema } of values('query'))
      if (random() < 0.4) for (const each of [valueFor(schema)].flat()) query.append(name, shown(each));
    if (random() < 0.03) query.append(shown(pick(odd)).slice(0, 20), shown(pick(odd)));
    const content = Object.entries(of.requestBody?.content ?? {})[0];
    const body =
      content && (content[0] === 'text/csv' ? shown(pick(odd)) : JSON.stringify(valueFor(content[1].schema)));
    const broken = body !== undefined && random() < 0.05 ? body.slice(0, Math.floor(random() * body.length)) : body;
    const headers = { ...(content && { 'content-type': content[0] }), ...headersOf() };
    const verb = random() < 0.02 ? pick(['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'TRACES']) : method;
    const options = {
      as: random() < 0.6 ? admin : pick(tokens),
      headers,
      ...(broken !== undefined && !['GET', 'HEAD'].includes(verb) && { body: broken }),
    };
    const target = `${filled.startsWith('/') ? filled : `/${filled}`}${query.size > 0 ? `?${query}` : ''}`;
    const response = await ask(verb, target, options);
    counts[response.status] = (counts[response.status] ?? 0) + 1;
    const told = `${verb} ${target.slice(0, 200)} ${JSON.stringify(headers)} ${broken?.slice(0, 200) ?? ''}: ${response.status}`;
    if (response.status >= 500 && !(response.status === 503 && of.operationId === 'createPlan')) failed.push(told);
    if (verb === method && response.status < 400 && !(String(response.status) in of.responses)) undocumented.add(told);
    await response.body?.cancel();
  }
  process.stdout.write(`${requests} requests of seed ${seed}: ${JSON.stringify(counts)}\n`);
  expect(failed).toEqual([]);
  expect([...undocumented]).toEqual([]);
  // It reaches more than the doors.
  expect(counts[200]).toBeGreaterThan(requests / 20);
  expect(counts[201]).toBeGreaterThan(10);
  expect(counts[400]).toBeGreaterThan(requests / 50);
  expect((await get('/readyz')).status).toBe(200);
  expect((await store.list({ limit: 1 })).length).toBe(1);
}, 240_000);
