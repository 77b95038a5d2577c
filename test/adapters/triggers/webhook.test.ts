import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Refusal } from '../../../controller/adapters/firing.ts';
import { webhookTrigger } from '../../../controller/adapters/triggers/webhook/driver.ts';
import { polled, triggerOf } from './state.ts';

const now = Date.parse('2026-11-24T06:00:00Z');
const secret = 'a secret of the sender';
let variables = 0;
/** A secret as a file names it; its value is in the environment. */
const named = (text: string): string => {
  variables += 1;
  process.env[`TEST_HOOK_${variables}`] = text;
  return `\${TEST_HOOK_${variables}}`;
};
const hmac = (text: string, key: string | Buffer = secret) => createHmac('sha256', key).update(text);

/** The firing of a request, or the status and the reason of its refusal. */
function received(
  signature: string,
  headers: Record<string, string>,
  body: string,
  { at = now, ...more }: { at?: number; secrets?: string | string[]; [field: string]: unknown } = {},
) {
  const { secrets = secret, ...fields } = more;
  const trigger = triggerOf({ webhook: { signature, secret: [secrets].flat().map(named) }, ...fields });
  try {
    return webhookTrigger.receive?.(trigger, { headers, body: Buffer.from(body), now: at });
  } catch (error) {
    return [(error as Refusal).status, (error as Refusal).message];
  }
}

describe('signatures of senders', () => {
  test('GitHub, as its documentation shows it', () => {
    const headers = {
      'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
      'x-github-delivery': '72d3162e',
      'content-type': 'application/x-www-form-urlencoded',
    };
    const secrets = "It's a Secret to Everybody";
    expect(received('github', headers, 'Hello, World!', { secrets })).toMatchObject({ key: '72d3162e' });
    expect(received('github', headers, 'Hello, World', { secrets })).toEqual([401, expect.stringContaining('wrong')]);
  });

  test('Standard Webhooks, as its specification shows it', () => {
    // cspell:disable-next-line
    const secrets = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const at = 1_614_265_330_000;
    const headers = {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1a,xx v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    };
    const body = '{"test": 2432232314}';
    expect(received('standard', headers, body, { secrets, at })).toMatchObject({
      ...{ key: 'msg_p5jXN8AQM9LWM0D4loKWxJek', facts: { body: { test: 2432232314 } }, isAlone: true },
    });
    expect(received('standard', headers, body, { secrets, at: at + 299_000 })).toHaveProperty('key');
    for (const apart of [301_000, -301_000])
      expect(received('standard', headers, body, { secrets, at: at + apart })).toEqual([
        401,
        expect.stringContaining('time'),
      ]);
    expect(received('standard', { ...headers, 'webhook-id': 'other' }, body, { secrets, at })).toEqual([
      401,
      expect.anything(),
    ]);
  });

  test('Slack, as its documentation shows it', () => {
    const body =
      // cspell:disable-next-line
      'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';
    const headers = {
      'x-slack-request-timestamp': '1531420618',
      'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
      'content-type': 'application/x-www-form-urlencoded',
    };
    // cspell:disable-next-line
    const given = { secrets: '8f742231b10e8888abcd99yyyzzz85a5', at: 1_531_420_618_000 };
    expect(received('slack', headers, body, given)).toMatchObject({ facts: { body: { user_name: 'roadrunner' } } });
  });

  test('Stripe: several signatures, and the id of the event', () => {
    const body = '{"id":"evt_1","type":"charge.succeeded"}';
    const time = now / 1000;
    const right = hmac(`${time}.${body}`).digest('hex');
    const headers = { 'stripe-signature': `t=${time},v1=00ff,v1=${right},v0=zz` };
    expect(received('stripe', headers, body)).toMatchObject({ key: 'evt_1' });
    expect(received('stripe', { 'stripe-signature': `t=${time + 1},v1=${right}` }, body)).toEqual([
      401,
      expect.anything(),
    ]);
  });

  test('missing, empty, foreign and garbled signatures are refused alike', () => {
    for (const signature of ['standard', 'github', 'stripe', 'slack'])
      for (const value of [undefined, '', 'v1,', 'sha256=', 't=,v1=', 'v0=', 'sha256=zz', '\u0000', 'x'.repeat(9000)]) {
        const names = ['webhook-signature', 'x-hub-signature-256', 'stripe-signature', 'x-slack-signature'];
        const headers = value === undefined ? {} : Object.fromEntries(names.map((name) => [name, value]));
        expect(received(signature, headers, '{}')).toEqual([401, 'its signature is missing or wrong']);
      }
  });

  test('either of two secrets is right while one is replaced; a short one is refused', () => {
    const sign = (key: string) => ({ 'x-hub-signature-256': `sha256=${hmac('{}', key).digest('hex')}` });
    const secrets = ['the old secret 0123', 'the new secret 0123'];
    for (const key of secrets) expect(received('github', sign(key), '{}', { secrets })).toHaveProperty('key');
    expect(received('github', sign('short'), '{}', { secrets: 'short' })).toEqual([
      503,
      expect.stringContaining('shorter'),
    ]);
    expect(received('github', sign(''), '{}', { secrets: '' })).toEqual([503, expect.anything()]);
  });
});

describe('the key of a delivery', () => {
  const keyOf = (headers: Record<string, string>, body: string, more: object = {}) => {
    const signed = { ...headers, 'x-hub-signature-256': `sha256=${hmac(body).digest('hex')}` };
    const found = received('github', signed, body, more as never);
    return found && 'key' in found ? found.key : found;
  };

  test('is the header or the field that the trigger names, else Idempotency-Key', () => {
    expect(keyOf({ 'x-id': '7' }, '{}', { key: 'header X-Id' })).toBe('7');
    expect(keyOf({}, '{"a":{"id":7}}', { key: 'body.a.id' })).toBe('7');
    expect(keyOf({}, '{"a":{}}', { key: 'body.a.id' })).toEqual([400, 'the request has no body.a.id']);
    expect(keyOf({}, '{}', { key: 'body.__proto__.id' })).toEqual([400, expect.anything()]);
    expect(keyOf({ 'idempotency-key': '"8e03978e"' }, '{}')).toBe('8e03978e');
    expect(keyOf({ 'idempotency-key': 'x'.repeat(256) }, '{}')).toEqual([400, expect.stringContaining('255')]);
  });

  test('is the hash of the body without one, anew after the window', () => {
    const of = (body: string, at: number) => keyOf({}, body, { at });
    expect(of('{"a":1}', now)).toBe(of('{"a":1}', now + 299_000));
    expect(of('{"a":1}', now)).not.toBe(of('{"a":1}', now + 300_000));
    expect(of('{"a":1}', now)).not.toBe(of('{"a":2}', now));
  });

  test('a body that is neither JSON nor a form is refused', () => {
    expect(keyOf({}, '{')).toEqual([400, 'the body is neither JSON nor a form']);
    const signed = { 'x-hub-signature-256': `sha256=${hmac('').digest('hex')}` };
    expect(received('github', signed, '')).toMatchObject({ facts: { body: null } });
  });
});

test('requests of a pause start their runs when it ends, and only these', async () => {
  const held = { key: 'k1', due: 5, generation: 1, payload: { body: { a: 1 } } };
  const asked: unknown[] = [];
  const store = {
    firings: async (filter: unknown) => {
      asked.push(filter);
      return [held];
    },
  };
  const { at } = polled({ webhook: { secret: named(secret) } }, { store: store as never });
  expect(await at(9)).toMatchObject({ firings: [], next: undefined });
  const { firings } = await at(10, { pauses: [{ from: 1, to: 9, by: 'anna' }] });
  const { generation: _, ...row } = held;
  expect(firings).toEqual([{ ...row, replaces: ['held'], isAlone: true, facts: held.payload }]);
  expect(asked).toHaveLength(1);
});

test('when more requests were held than may wait, the oldest start first and the others follow', async () => {
  let rows = Array.from({ length: 250 }, (_, i) => ({ number: i, key: `k${i}`, due: i, generation: 1, payload: {} }));
  const store = {
    firings: async ({ limit, before = Number.POSITIVE_INFINITY }: { limit: number; before?: number }) =>
      rows
        .filter(({ number }) => number < before)
        .reverse()
        .slice(0, limit),
  };
  const { at } = polled({ webhook: { secret: named(secret) } }, { store: store as never });
  const pauses = [{ from: 1, to: 9, by: 'anna' }];
  const started: string[] = [];
  const taken = async (now: number, more: object) => {
    const { firings, next } = await at(now, more);
    started.push(...firings.map(({ key }) => key));
    rows = rows.filter(({ key }) => !started.includes(key));
    return [firings.length, next];
  };
  await at(9);
  expect(await taken(10, { pauses, waiting: 30 })).toEqual([70, 1010]);
  // The pause counts as accounted for; the runs still wait.
  expect(await taken(1010, { waiting: 100 })).toEqual([0, 2010]);
  expect(await taken(2010, {})).toEqual([100, 3010]);
  expect(await taken(3010, {})).toEqual([80, undefined]);
  expect(started).toEqual(Array.from({ length: 250 }, (_, i) => `k${i}`));
  expect(await taken(4010, {})).toEqual([0, undefined]);
});

test('a secret in the file itself, and an empty window, are refused', () => {
  expect(() => triggerOf({ webhook: { secret } })).toThrow('NAME');
  expect(() => triggerOf({ webhook: { secret: named(secret) }, window: '0s' })).toThrow('1s');
});
