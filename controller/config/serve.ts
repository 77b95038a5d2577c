import { z } from 'zod';

const globs = z.array(z.string().min(1)).default([]);
const rate = (perSecond: number, burst: number) =>
  z.strictObject({
    perSecond: z.number().min(0.1).default(perSecond),
    burst: z.int().min(1).default(burst),
  });

/** The section `serve` of conf/connections.yaml: the doors of the API. */
export const serveSchema = z.strictObject({
  bind: z
    .string()
    .regex(/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):\d{1,5}$/, 'must be HOST:PORT, such as 127.0.0.1:8811')
    .optional()
    .describe('where the API listens; 127.0.0.1:8811, when left out'),
  auth: z
    .enum(['tokens', 'none'])
    .optional()
    .describe('tokens, or none for everyone who reaches a loopback address; tokens, when left out'),
  hosts: z
    .array(z.string().regex(/^[^\s/]+$/, 'must be a name or NAME:PORT'))
    .default([])
    .describe('names by which clients reach the server, beside its own address and localhost'),
  proxy: z
    .strictObject({
      from: z.array(z.string().min(1)).min(1).describe('addresses or networks (10.0.0.0/8) of trusted proxies'),
      header: z
        .string()
        .regex(/^[A-Za-z0-9-]+$/, 'must be the name of a header')
        .default('X-Forwarded-User'),
      roles: z
        .strictObject({ viewer: globs, operator: globs, admin: globs })
        .prefault({})
        .describe('users by role, in which * is any text; other users are refused'),
    })
    .optional()
    .describe('a proxy that logs users in, and names them in a header'),
  limits: z
    .strictObject({
      reads: rate(50, 100).prefault({}),
      writes: rate(5, 20).prefault({}),
      streams: z.int().min(1).default(200),
      streamsPerToken: z.int().min(1).default(10),
      connections: z.int().min(1).default(1000),
    })
    .prefault({}),
});
export type ServeSettings = z.output<typeof serveSchema>;
