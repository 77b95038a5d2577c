import { expect, test } from 'vitest';
import { newToken } from '../../controller/app/access/token.ts';
import { FailedLogins, RateLimit, StreamLimit } from '../../controller/server/doors/limits.ts';
import type { Problem } from '../../controller/server/http/problem.ts';
import { world } from './world.ts';

test('a refused login is in the audit log, without the token, and only the first of a flood', async () => {
  const { get, store, logger } = await world();
  const { text } = newToken({ name: 'n', scopes: ['read'], pipelines: ['*'], by: 'me' }, 5);
  const statuses: number[] = [];
  for (let i = 0; i < 50; i++) statuses.push((await get('/api/v1/runs', { as: text })).status);
  expect(statuses.slice(0, 5)).toEqual([401, 401, 401, 401, 401]);
  expect(statuses.slice(5)).toEqual(Array.from({ length: 45 }, () => 429));
  const refused = (await store.audit({ limit: 100 })).filter(({ status }) => status === 401);
  expect(refused).toHaveLength(5);
  expect(refused[0]).toMatchObject({ by: 'unknown', action: 'GET /api/v1/runs', detail: 'the token is unknown' });
  expect(JSON.stringify([refused, logger.lines])).not.toContain(text.slice(13));
});

test('a flood of wrong tokens does not lock out a right one of the same address', async () => {
  const { get, admin } = await world();
  for (let i = 0; i < 30; i++) await get('/api/v1/runs', { as: 'slu_wrong' });
  expect((await get('/api/v1/runs', { as: admin })).status).toBe(200);
});

test('the back-off doubles up to a minute, and ends with a success', () => {
  const logins = new FailedLogins();
  const waits: number[] = [];
  let now = 0;
  for (let i = 0; i < 12; i++) {
    logins.add('a', now);
    let wait = 0;
    try {
      logins.add('b', 0);
      if (i >= 4) logins.add('a', now);
    } catch (error) {
      wait = Number((error as Problem).headers['retry-after']);
    }
    waits.push(wait);
    now += wait * 1000;
    // Another address has its own count.
    logins.clear('b');
  }
  expect(waits).toEqual([0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
  const strict = new FailedLogins();
  for (let i = 0; i < 5; i++) strict.add('x', 0);
  expect(() => strict.add('x', 999)).toThrow(/too many/);
  expect(strict.add('x', 1000)).toBe(1);
  expect(() => strict.add('x', 2999)).toThrow(/too many/);
  strict.clear('x');
  expect(strict.add('x', 3000)).toBe(0);
});

test('a bucket gives its burst, then its rate, and says when to come again', () => {
  const limit = new RateLimit('read', { perSecond: 2, burst: 4 });
  const taken = (now: number): boolean => {
    try {
      limit.take('a', now);
      return true;
    } catch (error) {
      expect(error).toMatchObject({ status: 429, headers: { 'retry-after': '1' } });
      return false;
    }
  };
  expect([0, 0, 0, 0, 0].map(taken)).toEqual([true, true, true, true, false]);
  expect([400, 500, 600, 1000].map(taken)).toEqual([false, true, false, true]);
  limit.take('b', 0);
  let passed = 0;
  for (let now = 1000; now < 61_000; now += 10) if (taken(now)) passed += 1;
  expect(passed).toBe(119);
});

test('requests above the rate are answered by 429 with headers that say so', async () => {
  const tight = { reads: { perSecond: 1, burst: 3 }, writes: { perSecond: 1, burst: 2 } };
  const { get, ask } = await world({ serve: { limits: tight } });
  const responses = [
    await get('/api/v1/runs'),
    await get('/api/v1/runs'),
    await get('/api/v1/runs'),
    await get('/api/v1/runs'),
  ];
  expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
  expect(responses[0]?.headers.get('ratelimit')).toBe('"read";r=2;t=1');
  expect(responses[3]?.headers.get('ratelimit-policy')).toBe('"read";q=3;w=3');
  expect(Number(responses[3]?.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  const writes = [1, 2, 3].map(() => ask('POST', '/api/v1/runs', { body: { pipeline: 'none' } }));
  expect((await Promise.all(writes)).map(({ status }) => status)).toEqual([404, 404, 429]);
});

test('places for streams are limited, of all and of one client, and are free again', () => {
  const limit = new StreamLimit(3, 2);
  const [one, two] = [limit.take('a'), limit.take('a')];
  expect(() => limit.take('a')).toThrow(/open streams/);
  const three = limit.take('b');
  expect(() => limit.take('c')).toThrow(/streams are open/);
  one();
  one();
  expect(limit.size).toBe(2);
  limit.take('c');
  two();
  three();
  expect(limit.size).toBe(1);
});
