import { createHmac, timingSafeEqual } from 'node:crypto';
import type { ReceivedRequest } from '../../firing.ts';

/** How a sender signs its requests. */
export const schemes = ['standard', 'github', 'stripe', 'slack'] as const;
export type Scheme = (typeof schemes)[number];

/** What a signature says. */
interface Signed {
  /** The signatures of the request, any of which may be right, and the text that they sign. */
  readonly signatures: readonly Buffer[];
  readonly text: Buffer;
  /** When the request was signed. Milliseconds since 1970; undefined when the scheme has no time. */
  readonly at?: number;
}

/** The header with the sender's id of a delivery, by scheme. */
export const deliveryHeader: Readonly<Partial<Record<Scheme, string>>> = {
  standard: 'webhook-id',
  github: 'x-github-delivery',
};

const seconds = (text: string | undefined): number =>
  /^\d{1,12}$/.test(text ?? '') ? Number(text) * 1000 : Number.NaN;
const hex = (text: string): Buffer => Buffer.from(/^[0-9a-f]*$/i.test(text) ? text : '', 'hex');
const joined = (...parts: readonly (string | Buffer)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));

const readers: Readonly<Record<Scheme, (request: ReceivedRequest) => Signed>> = {
  // Standard Webhooks 1.0.0: v1,<base64> of id.timestamp.body, several with spaces between.
  standard({ headers, body }) {
    const { 'webhook-id': id = '', 'webhook-timestamp': time = '', 'webhook-signature': all = '' } = headers;
    const signatures = all
      .split(' ')
      .filter((each) => each.startsWith('v1,'))
      .map((each) => Buffer.from(each.slice(3), 'base64'));
    return { signatures, text: joined(`${id}.${time}.`, body), at: seconds(time) };
  },
  github({ headers, body }) {
    const [, signature = ''] = /^sha256=(.*)$/.exec(headers['x-hub-signature-256'] ?? '') ?? [];
    return { signatures: [hex(signature)], text: body };
  },
  // t=<seconds>,v1=<hex>,v1=<hex>
  stripe({ headers, body }) {
    const parts = (headers['stripe-signature'] ?? '').split(',').map((part) => part.split('='));
    const time = parts.find(([name]) => name === 't')?.[1] ?? '';
    const signatures = parts.filter(([name]) => name === 'v1').map(([, value = '']) => hex(value));
    return { signatures, text: joined(`${time}.`, body), at: seconds(time) };
  },
  slack({ headers, body }) {
    const time = headers['x-slack-request-timestamp'] ?? '';
    const [, signature = ''] = /^v0=(.*)$/.exec(headers['x-slack-signature'] ?? '') ?? [];
    return { signatures: [hex(signature)], text: joined(`v0:${time}:`, body), at: seconds(time) };
  },
};

/** The key of a secret: Standard Webhooks writes it as whsec_<base64>. */
const keyOf = (secret: string, scheme: Scheme): Buffer =>
  scheme === 'standard' && secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);

/**
 * Why a request is not what a sender with one of these secrets has signed; undefined when it is. A signed time may be
 * `toleranceMs` away from now.
 */
export function signatureProblem(
  scheme: Scheme,
  secrets: readonly string[],
  request: ReceivedRequest,
  toleranceMs: number,
): string | undefined {
  const { signatures, text, at } = readers[scheme](request);
  const isRight = secrets.some((secret) => {
    const expected = createHmac('sha256', keyOf(secret, scheme)).update(text).digest();
    return signatures.some((each) => each.length === expected.length && timingSafeEqual(each, expected));
  });
  if (!isRight) return 'its signature is missing or wrong';
  if (at !== undefined && !(Math.abs(request.now - at) <= toleranceMs)) return 'its time is too far from now';
  return undefined;
}
