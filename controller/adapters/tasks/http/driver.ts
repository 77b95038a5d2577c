import { z } from 'zod';
import { variables } from '../../../lib/env.ts';
import type { TaskDriver } from '../../drivers.ts';

const spec = z
  .strictObject({
    url: z.string().min(1).describe('Whole; {{ CEL }} in it is filled in'),
    method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).default('GET'),
    headers: z.record(z.string(), z.string()).default({}),
    body: z.json().optional().describe('Sent as JSON; {{ CEL }} in its texts is filled in with the run’s values'),
    expect: z.array(z.int().min(100).max(599)).min(1).default([200, 201, 202, 204]).describe('Good statuses'),
  })
  .describe('A request to an external API; ${NAME} in it is taken when the request leaves, and kept nowhere');
export type HttpCall = z.output<typeof spec>;

/** Requests to external APIs. */
export const httpTask: TaskDriver = {
  kind: 'http',
  spec,
  timeout: '30s',
  isLate: true,
  templates: ['url', 'headers', 'body'],
  async open() {
    const { httpTaskRunner } = await import('./http.ts');
    return httpTaskRunner(variables);
  },
  describe(task) {
    const { method, url } = task as HttpCall;
    return `calls ${method} ${url}`;
  },
};
