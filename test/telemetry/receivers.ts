import { z } from 'zod';
import type { Service } from '../adapters/notifiers/receivers.ts';
import { lineageProblems } from './world.ts';

/** A span and what is in it, by the protobuf of OTLP in its JSON form: names in camel case, ids in hexadecimal. */
const nanoseconds = z.string().regex(/^[1-9]\d{0,18}$/);
const id = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));
const value = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ boolValue: z.boolean() }),
  z.strictObject({ intValue: z.string().regex(/^-?\d+$/) }),
  z.strictObject({ doubleValue: z.number() }),
]);
const attributes = z
  .array(z.strictObject({ key: z.string().min(1), value }))
  .refine((all) => new Set(all.map(({ key }) => key)).size === all.length, 'has a key twice');
const span = z.strictObject({
  ...{ traceId: id(16), spanId: id(8), parentSpanId: id(8).optional(), name: z.string().min(1), kind: z.literal(1) },
  ...{ startTimeUnixNano: nanoseconds, endTimeUnixNano: nanoseconds, attributes },
  events: z.array(z.strictObject({ timeUnixNano: nanoseconds, name: z.string().min(1), attributes })).max(128),
  droppedEventsCount: z.int().min(1).optional(),
  status: z.strictObject({ code: z.literal([0, 2]), message: z.string().optional() }),
});
const traces = z.strictObject({
  resourceSpans: z.tuple([
    z.strictObject({
      resource: z.strictObject({ attributes }),
      scopeSpans: z.tuple([
        z.strictObject({
          scope: z.strictObject({ name: z.literal('sluice'), version: z.string() }),
          spans: z.array(span).min(1),
        }),
      ]),
    }),
  ]),
});

/** No collector and no receiver takes messages of any length. Bytes. */
const most = 1 << 20;

/** The receivers of telemetry by their kind, which check the form of what they take. */
export const telemetryServices = {
  openlineage: {
    connection: (url) => ({ url: `${url}/`, token: 'kept-secret' }),
    secrets: ['kept-secret'],
    path: '/api/v1/lineage',
    form: z.looseObject({ eventType: z.string() }),
    taken: { status: 201 },
    check({ body, headers }) {
      if (headers.authorization !== 'Bearer kept-secret') return 'the token is wrong';
      if (Buffer.byteLength(body) > most) return 'it is longer than 1 MB';
      return lineageProblems(JSON.parse(body))[0];
    },
  },
  otlp: {
    connection: (url) => ({ url, headers: { 'x-team': 'kept-secret' } }),
    secrets: ['kept-secret'],
    path: '/v1/traces',
    form: traces,
    taken: { status: 200, body: { partialSuccess: {} } },
    check({ body, headers }) {
      if (headers['x-team'] !== 'kept-secret' || headers['content-type'] !== 'application/json') return 'its headers';
      return Buffer.byteLength(body) > most ? 'it is longer than 1 MB' : undefined;
    },
  },
} as const satisfies Readonly<Record<string, Service>>;
