import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type FiringRecord, mostWaiting, type TriggerName, type TriggerStore } from '../../../domain/ports/triggers.ts';
import { milliseconds } from '../../../lib/duration.ts';
import { variables } from '../../../lib/env.ts';

import { isStorable, isTooDeep } from '../../../lib/storable.ts';
import { filled } from '../../../lib/variables.ts';
import { duration } from '../../../pipeline/schema.ts';
import { tracedBy } from '../../../telemetry/ids.ts';
import type { TriggerDriver } from '../../drivers.ts';
import { type DueFiring, type ReceivedRequest, Refusal } from '../../firing.ts';
import { deliveryHeader, schemes, signatureProblem } from './signatures.ts';

const shortest = 16;
/** A literal one would be in the file, the store and the histories of runs. */
const secret = z
  .string()
  .regex(/^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/, 'must be ${NAME}, so that the secret is in no file')
  .describe('The secret of the sender, as ${NAME}');
const spec = z.strictObject({
  webhook: z
    .strictObject({
      signature: z.enum(schemes).default('standard').describe('How the sender signs: with HMAC-SHA256 over the body'),
      secret: z.union([secret, z.array(secret).min(1).max(5)]).describe('Several while a secret is replaced'),
      tolerance: duration.default('5m').describe('How far the signed time may be from now'),
    })
    .describe('Requests to POST /hooks/PIPELINE/TRIGGER'),
  key: z
    .string()
    .regex(/^(header [A-Za-z0-9-]+|body(\.[A-Za-z0-9_-]+)+)$/, 'must be `header NAME` or `body.FIELD`')
    .optional()
    .describe('What identifies a delivery; the scheme’s own header or Idempotency-Key, when left out'),
  window: duration
    .refine((text) => milliseconds(text) >= 1000, 'must be at least 1s')
    .default('5m')
    .describe('A body without such an id starts one run in this time'),
  whilePaused: z
    .enum(['keep', 'refuse'])
    .default('keep')
    .describe('Requests during a pause start their runs when it ends, or are refused with 423'),
});
type Fields = z.output<typeof spec>;

interface Cursor {
  /** There are more held requests than may wait. */
  readonly isHolding?: boolean;
}

/** The oldest held requests, oldest first. A page is small, as each has its body. */
async function oldestHeld(
  store: Pick<TriggerStore, 'firings'>,
  name: TriggerName,
  limit: number,
): Promise<readonly FiringRecord[]> {
  let oldest: FiringRecord[] = [];
  for (let before: number | undefined; ; ) {
    const page = await store.firings({ ...name, outcome: 'held', limit: 100, ...(before !== undefined && { before }) });
    oldest = [...oldest, ...page].slice(-limit);
    before = page.at(-1)?.number;
    if (page.length < 100) return oldest.reverse();
  }
}

/** Fires on signed requests. */
export const webhookTrigger: TriggerDriver = {
  kind: 'webhook',
  spec,
  facts: { body: 'dyn' },
  late: [['webhook', 'secret']],

  /** Only requests that were held during a pause. */
  async poll(_trigger, { cursor, generation, now, pauses, waiting }, { store, pipeline, trigger }) {
    const { isHolding = false } = (cursor ?? {}) as Cursor;
    if (pauses.length === 0 && !isHolding) return { firings: [], cursor: cursor ?? {}, next: undefined };
    const room = Math.max(0, mostWaiting - waiting);
    const held = (await oldestHeld(store, { pipeline, trigger }, room + 1)).filter(
      (each) => each.generation === generation,
    );
    const firings = held.slice(0, room).map(
      ({ key, due, payload }): DueFiring => ({
        ...{ key, due, replaces: ['held'] as const, isAlone: true, payload },
        facts: payload as Record<string, unknown>,
      }),
    );
    // The others follow when those that wait have begun.
    return held.length > room
      ? { firings, cursor: { isHolding: true }, next: now + 1000 }
      : { firings, cursor: {}, next: undefined };
  },

  receive(trigger, request) {
    const { webhook, key: wanted, window } = trigger as unknown as Fields;
    const { signature, tolerance } = webhook;
    const secrets = [webhook.secret].flat().map((each) => filled(each, variables, () => ''));
    if (secrets.some((each) => each.length < shortest))
      throw new Refusal(`a secret of this trigger is shorter than ${shortest} characters or not set`, { status: 503 });
    const problem = signatureProblem(signature, secrets, request, milliseconds(tolerance));
    if (problem !== undefined) throw new Refusal(problem, { status: 401 });
    const body = bodyOf(request);
    return {
      key: keyOf(request, body, { wanted, signature, window }),
      due: request.now,
      facts: { body },
      isAlone: true,
      ...tracedBy(request.headers.traceparent),
    };
  },

  describe(trigger) {
    const { webhook } = trigger as unknown as Fields;
    return `on a request to its hook, signed as ${webhook.signature}`;
  },
};

/** The body as JSON, or the fields of a form. */
function bodyOf({ body, headers }: ReceivedRequest): unknown {
  let parsed: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    const isForm = /^application\/x-www-form-urlencoded/i.test(headers['content-type'] ?? '') && !/^\s*[{[]/.test(text);
    if (isForm) return Object.fromEntries(new URLSearchParams(text));
    parsed = text.trim() === '' ? null : JSON.parse(text);
  } catch (cause) {
    throw new Refusal('the body is neither JSON nor a form', { status: 400, cause });
  }
  if (isTooDeep(parsed)) throw new Refusal('the body is nested too deeply', { status: 400 });
  return parsed;
}

function keyOf(
  request: ReceivedRequest,
  body: unknown,
  {
    wanted,
    signature,
    window,
  }: { wanted: string | undefined; signature: Fields['webhook']['signature']; window: string },
): string {
  const { headers, now } = request;
  const given =
    wanted === undefined
      ? (headers[deliveryHeader[signature] ?? ''] ?? eventId(signature, body) ?? headers['idempotency-key'])
      : wanted.startsWith('header ')
        ? headers[wanted.slice(7).toLowerCase()]
        : fieldOf(body, wanted.split('.').slice(1));
  if (given !== undefined && given !== '') {
    if (given.length > 255) throw new Refusal('the id of the delivery is longer than 255 characters', { status: 400 });
    if (/\p{Cc}/u.test(given) || !isStorable(given))
      throw new Refusal('the id of the delivery has a control character', { status: 400 });
    return given.replace(/^"(.*)"$/, '$1');
  }
  if (wanted !== undefined) throw new Refusal(`the request has no ${wanted}`, { status: 400 });
  const bucket = Math.floor(now / milliseconds(window)) * milliseconds(window);
  const hash = createHash('sha256').update(request.body).digest('hex').slice(0, 32);
  return `${hash} ${new Date(bucket).toISOString()}`;
}

/** Stripe's and Slack's ids are in the body. */
const eventId = (signature: string, body: unknown): string | undefined =>
  signature === 'stripe' ? fieldOf(body, ['id']) : signature === 'slack' ? fieldOf(body, ['event_id']) : undefined;

function fieldOf(body: unknown, path: readonly string[]): string | undefined {
  const value = path.reduce<unknown>(
    (of, name) =>
      of !== null && typeof of === 'object' && Object.hasOwn(of, name)
        ? (of as Record<string, unknown>)[name]
        : undefined,
    body,
  );
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
