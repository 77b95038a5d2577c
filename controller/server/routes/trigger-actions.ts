import { z } from 'zod';
import { firedSchema, triggerSchema } from '../../app/views/triggers.ts';
import { isStorable } from '../../lib/storable.ts';
import { Problem } from '../http/problem.ts';
import { type AnyRoute, route } from '../http/route.ts';
import * as examples from './examples.ts';
import { givenValue } from './shared.ts';
import {
  assertTrigger,
  exampleTrigger as exampleParams,
  instant,
  triggerParams as params,
  triggerPath as path,
} from './triggers.ts';

const pauseTrigger = route({
  name: 'pauseTrigger',
  method: 'POST',
  path: `${path}:pause`,
  scope: 'triggers:write',
  summary: 'Pauses a trigger; its instants are skipped, its requests are held',
  params,
  body: z.strictObject({
    reason: z.string().min(1).max(500).refine(isStorable, 'must be text without NUL').optional(),
    until: instant.optional(),
  }),
  response: triggerSchema,
  errors: [404, 422],
  example: { params: exampleParams, body: { reason: 'vendor outage' }, answer: examples.trigger },
  async handler(asked) {
    await assertTrigger(asked);
    const { params: of, body, api, principal } = asked;
    const { reason, until } = body;
    const pause = {
      by: principal.name,
      ...(reason !== undefined && { reason }),
      ...(until !== undefined && { until: Date.parse(until) }),
    };
    return { body: await api.triggers.pause(of.pipeline, of.trigger, pause) };
  },
});

const resumeTrigger = route({
  name: 'resumeTrigger',
  method: 'POST',
  path: `${path}:resume`,
  scope: 'triggers:write',
  summary: 'Ends the pause of a trigger; nothing of the pause is caught up',
  params,
  response: triggerSchema,
  errors: [404, 422],
  example: { params: exampleParams, answer: examples.trigger },
  async handler(asked) {
    await assertTrigger(asked);
    return { body: await asked.api.triggers.resume(asked.params.pipeline, asked.params.trigger) };
  },
});

const skipOwed = route({
  name: 'skipOwed',
  method: 'POST',
  path: `${path}:skip`,
  scope: 'triggers:write',
  summary: 'Enters what a trigger owes now as skipped',
  params,
  response: z.object({ skipped: z.int() }),
  errors: [404],
  example: { params: exampleParams, answer: { skipped: 2 } },
  async handler(asked) {
    await assertTrigger(asked);
    const { params: of, api, principal } = asked;
    return { body: { skipped: await api.triggers.skip(of.pipeline, of.trigger, principal.name) } };
  },
});

const resetTrigger = route({
  name: 'resetTrigger',
  method: 'POST',
  path: `${path}:reset`,
  scope: 'triggers:write',
  summary: 'Forgets what a trigger has accounted for: its keys begin again from now, the ledger stays',
  params,
  response: triggerSchema,
  errors: [404],
  example: { params: exampleParams, answer: examples.trigger },
  async handler(asked) {
    await assertTrigger(asked);
    return { body: await asked.api.triggers.reset(asked.params.pipeline, asked.params.trigger) };
  },
});

const fireTrigger = route({
  name: 'fireTrigger',
  method: 'POST',
  path: `${path}:fire`,
  scope: 'triggers:write',
  summary: 'Fires a trigger now, or for the instants of a range',
  params,
  body: z.strictObject({
    from: instant.optional().describe('The first instant of the range'),
    to: instant.optional().describe('The last instant of the range'),
    only: z.enum(['missing', 'failed', 'all']).optional().describe('Of a range; missing, when left out'),
    dryRun: z.boolean().optional(),
    with: z.record(z.string(), givenValue).optional().describe('Values instead of those of `with`'),
  }),
  response: firedSchema,
  errors: [404, 422],
  example: {
    params: exampleParams,
    body: { from: '2026-11-01T00:00:00Z', to: '2026-11-20T00:00:00Z', dryRun: true },
    answer: examples.fired,
  },
  async handler(asked) {
    await assertTrigger(asked);
    const { params: of, body, api, principal } = asked;
    const { from, to, only, dryRun, with: values } = body;
    if ((from === undefined) !== (to === undefined))
      throw new Problem(422, 'a range has from and to', {
        details: [{ in: 'body', pointer: from === undefined ? '/from' : '/to', message: 'is missing' }],
      });
    const range = from !== undefined && to !== undefined && { from: Date.parse(from), to: Date.parse(to) };
    return {
      body: await api.triggers.fire(of.pipeline, of.trigger, {
        by: principal.name,
        ...(range && { range }),
        ...(only && { only }),
        ...(dryRun && { isDryRun: true }),
        ...(values && { with: values }),
      }),
    };
  },
});

/** For clients. */
export const triggerActions = { pauseTrigger, resumeTrigger, skipOwed, resetTrigger, fireTrigger };
/** What people do with triggers. */
export const triggerActionRoutes: readonly AnyRoute[] = Object.values(triggerActions) as never;
