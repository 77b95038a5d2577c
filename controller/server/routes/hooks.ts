import { z } from 'zod';
import { Refusal } from '../../adapters/firing.ts';
import { type Received, receiveRequest } from '../../app/triggers/receive.ts';
import { outcomes, tooManyWaiting } from '../../domain/ports/triggers.ts';
import { RateLimit } from '../doors/limits.ts';
import type { Api } from '../http/api.ts';
import { Problem, problemBy } from '../http/problem.ts';
import { type AnyRoute, base, route } from '../http/route.ts';
import * as examples from './examples.ts';
import { partName } from './shared.ts';

/** The longest request of a webhook. Bytes. */
const maximumBytes = 256 << 10;

/**
 * The signed requests of a trigger. Those with a wrong signature do not count, or others could keep the sender away; the
 * limit of their address holds for them.
 */
const rate = { perSecond: 20, burst: 100 };
const limits = new WeakMap<Api, RateLimit>();
function limitOf(api: Api): RateLimit {
  const limit = limits.get(api) ?? new RateLimit('hook', rate);
  limits.set(api, limit);
  return limit;
}

const receiveWebhook = route({
  name: 'receiveWebhook',
  method: 'POST',
  path: '/hooks/{pipeline}/{trigger}',
  isRoot: true,
  scope: 'none',
  summary: 'A request to a webhook trigger, signed by its sender. It is answered once the run is in the store',
  params: z.strictObject({ pipeline: partName, trigger: partName }),
  accepts: '*/*',
  maximumBytes,
  status: 202,
  response: z
    .object({
      key: z.string().describe('What identifies the delivery'),
      outcome: z.enum(outcomes),
      reason: z.string().nullable(),
      run: z.string().nullable(),
    })
    .meta({ id: 'Received' }),
  errors: [401, 404, 410, 422, 423],
  example: {
    params: { pipeline: 'customer-report', trigger: 'hook' },
    answer: { key: '72d3162e-cc78-11e3-81ab-4c9367dc0958', outcome: 'started', reason: null, run: examples.run },
  },
  async handler({ api, params, raw, headers }) {
    let received: Received;
    try {
      const request = { headers: Object.fromEntries(headers), body: Buffer.from(raw), now: api.now() };
      received = await receiveRequest(api.store, await api.watched(), params, request, () =>
        limitOf(api).take(`${params.pipeline}/${params.trigger}`, performance.now()),
      );
    } catch (error) {
      if (error instanceof Refusal) throw problemBy(error, error.status, error.message);
      throw error;
    }
    const { key, isNew, outcome, reason, run } = received;
    if (outcome === 'refused')
      throw reason === tooManyWaiting
        ? new Problem(429, reason, { headers: { 'retry-after': '60' } })
        : new Problem(422, reason ?? 'it was refused', { hint: 'correct the trigger, and send it again' });
    return {
      status: isNew ? 202 : 200,
      body: { key, outcome, reason: reason ?? null, run: run ?? null },
      ...(run !== undefined && { headers: { location: `${base}/runs/${run}` } }),
    };
  },
});

/** Requests of other systems. */
export const hookRoutes: readonly AnyRoute[] = [receiveWebhook] as never;
