import { z } from 'zod';
import { problemKinds } from './problem.ts';
import { type AnyRoute, fullPath } from './route.ts';

type Json = Record<string, unknown>;

/** The problems that every route may answer. */
const always = [400, 401, 403, 421, 429, 500, 503] as const;

const problemSchema = z
  .object({
    type: z.string().describe('Leads to an explanation, below the address of the server'),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().describe('Identifies the request, as in the log of the server'),
    hint: z.string().optional().describe('What to do about it'),
    errors: z
      .array(
        z.object({
          in: z.enum(['body', 'query', 'path', 'header']),
          pointer: z.string().describe('A JSON Pointer into that part'),
          message: z.string(),
          hint: z.string().optional(),
        }),
      )
      .optional(),
  })
  .meta({ id: 'Problem' });

/** Collects the schemas that have names, so that each is in the document once. */
function schemaCollector() {
  const named: Record<string, unknown> = {};
  const moved = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(moved);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, each]): [string, unknown][] => {
        if (key === '$ref' && typeof each === 'string')
          return [[key, each.replace('#/$defs/', '#/components/schemas/')]];
        return key === '$schema' || key === 'id'
          ? typeof each === 'string'
            ? []
            : [[key, moved(each)]]
          : [[key, moved(each)]];
      }),
    );
  };
  const add = (schema: z.ZodType, io: 'input' | 'output'): unknown => {
    const made = z.toJSONSchema(schema, {
      target: 'draft-2020-12',
      io,
      override: ({ jsonSchema }) => {
        // Answers may get new fields within a version.
        if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
        // The format says it.
        if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
        // It is of values in memory.
        delete jsonSchema.readOnly;
      },
    });
    const { $defs = {}, ...rest } = made as Json & { $defs?: Json };
    for (const [name, each] of Object.entries($defs)) named[name] = moved(each);
    const id = z.globalRegistry.get(schema)?.id;
    if (id === undefined) return moved(rest);
    // A schema with a name is among its own definitions.
    named[id] ??= moved(rest);
    return { $ref: `#/components/schemas/${id}` };
  };
  return { named, add };
}

function parametersOf(of: AnyRoute, add: (schema: z.ZodType, io: 'input') => unknown): Json[] {
  const fields = (schema: z.ZodObject | undefined, where: 'path' | 'query'): Json[] =>
    Object.entries((schema?.shape ?? {}) as Record<string, z.ZodType>).map(([name, each]) => {
      const { description, ...rest } = add(each, 'input') as Json;
      const example = (where === 'path' ? of.example.params : of.example.query) as Json | undefined;
      return {
        name,
        in: where,
        required: where === 'path' || !each.safeParse(undefined).success,
        ...(description !== undefined && { description }),
        schema: rest,
        ...(example?.[name] !== undefined && { example: example[name] }),
      };
    });
  const headers = Object.entries(of.headers ?? {})
    // OpenAPI describes Accept by the forms of the answer.
    .filter(([name]) => name !== 'Accept')
    .map(([name, description]) => ({ name, in: 'header', required: false, description, schema: { type: 'string' } }));
  return [...fields(of.params, 'path'), ...fields(of.query, 'query'), ...headers];
}

function operationOf(of: AnyRoute, add: (schema: z.ZodType, io: 'input' | 'output') => unknown): Json {
  const { status = 200, example } = of;
  const content: Json = {};
  if (of.response)
    content['application/json'] = {
      schema: add(of.response, 'output'),
      ...(example.answer !== undefined && { example: example.answer }),
    };
  for (const [type, description] of Object.entries(of.also ?? {}))
    content[type] = { schema: { type: 'string', description } };
  const problems = [...new Set([...always, ...(of.errors ?? []), ...(of.body || of.accepts ? [413, 415] : [])])].sort();
  const accepts = of.accepts ?? (of.body ? 'application/json' : undefined);
  return {
    operationId: of.name,
    summary: of.summary,
    ...(of.scope !== 'none' && { description: `Scope: \`${of.scope}\`` }),
    security: of.scope === 'none' ? [] : [{ token: [of.scope] }],
    parameters: parametersOf(of, add),
    ...(accepts !== undefined && {
      requestBody: {
        required: true,
        content: {
          [accepts]: {
            schema: of.body ? add(of.body, 'input') : { type: 'string' },
            ...(example.body !== undefined && { example: example.body }),
          },
        },
      },
    }),
    responses: {
      [status]: { description: 'Success', ...(Object.keys(content).length > 0 && { content }) },
      ...(of.headers?.['If-None-Match'] !== undefined && { 304: { description: 'The client has this version' } }),
      ...Object.fromEntries(
        problems.map((each) => [each, { $ref: `#/components/responses/${problemKinds[each as 400][0]}` }]),
      ),
    },
  };
}

/** The OpenAPI 3.1 document of some routes. */
export function openApiOf(routes: readonly AnyRoute[], version: string): Json {
  const { named, add } = schemaCollector();
  const problem = add(problemSchema, 'output');
  const paths: Record<string, Json> = {};
  for (const each of routes) {
    const path = fullPath(each);
    paths[path] = { ...paths[path], [each.method.toLowerCase()]: operationOf(each, add) };
  }
  const responses = Object.values(problemKinds).map(([kind, title]) => [
    kind,
    { description: title, content: { 'application/problem+json': { schema: problem } } },
  ]);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sluice',
      version,
      description:
        'Runs of Spark pipelines: their plans, histories and results, and what starts, cancels and replays them.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'This server' }],
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(named).sort(([a], [b]) => (a < b ? -1 : 1))),
      responses: Object.fromEntries(responses),
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: '`sluice token create` makes one' } },
    },
  };
}
