import { describe, expect, test } from 'vitest';
import type { RunStore } from '../../controller/domain/ports/store.ts';
import type { ApiToken, TokenStore } from '../../controller/domain/ports/tokens.ts';
import { SluiceError } from '../../controller/lib/errors.ts';
import { RecentTokens } from '../../controller/server/doors/recent-tokens.ts';
import { memoryStore } from '../fakes/store.ts';
import { world } from './world.ts';

const away = (): Promise<never> =>
  Promise.reject(new SluiceError('the store is away', { kind: 'unavailable', hint: 'wait' }));

/** A store that goes away as a whole, or that hangs. */
function leaving() {
  const store = memoryStore();
  const how: { is: 'there' | 'away' | 'silent' } = { is: 'there' };
  const all = Object.fromEntries(
    Object.entries(store).map(([name, work]) => [
      name,
      (...args: unknown[]) =>
        how.is === 'there'
          ? (work as (...of: unknown[]) => unknown)(...args)
          : how.is === 'away'
            ? away()
            : new Promise(() => undefined),
    ]),
  ) as unknown as RunStore;
  return { store: all, how };
}

describe('while the store is away', () => {
  test('a scrape with a token that was right lately says so, and any other is refused', async () => {
    const { store, how } = leaving();
    const { get, token } = await world({ store });
    const [seen, unseen] = [await token(['read']), await token(['read'])];
    expect((await get('/metrics', { as: seen })).status).toBe(200);
    how.is = 'away';
    const response = await get('/metrics', { as: seen });
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(text).toContain('sluice_store_up 0\n');
    expect(text).not.toContain('sluice_controllers');
    expect((await get('/metrics', { as: unseen })).status).toBe(503);
    // The right id with another secret.
    const wrong = `${seen.slice(0, 13)}${unseen.slice(13)}`;
    expect((await get('/metrics', { as: wrong })).status).toBeGreaterThanOrEqual(401);
    // Nothing else is opened by it.
    expect((await get('/api/v1/runs', { as: seen })).status).toBe(503);
  });

  test('a store that does not answer is away, too', async () => {
    const { store, how } = leaving();
    const { get, token } = await world({ store });
    const as = await token(['read']);
    await get('/metrics', { as });
    how.is = 'silent';
    const began = performance.now();
    expect(await (await get('/metrics', { as })).text()).toContain('sluice_store_up 0\n');
    // Prometheus waits for ten seconds.
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  test('a token that was revoked meanwhile is worth nothing once the store is back', async () => {
    const { store, how } = leaving();
    const { get, token } = await world({ store });
    const as = await token(['read']);
    await get('/metrics', { as });
    const [{ id = '' } = {}] = (await store.tokens()).filter(({ name }) => name === 'read');
    how.is = 'away';
    expect((await get('/metrics', { as })).status).toBe(200);
    how.is = 'there';
    await store.revokeToken(id, Date.now());
    expect((await get('/metrics', { as })).status).toBe(401);
    how.is = 'away';
    expect((await get('/metrics', { as })).status).toBe(503);
  });

  test('a token that has expired meanwhile is refused', async () => {
    const { store, how } = leaving();
    let now = Date.now();
    const { get, token } = await world({ store, more: { now: () => now } });
    const as = await token(['read'], ['*'], { expires: now + 60_000 });
    expect((await get('/metrics', { as })).status).toBe(200);
    how.is = 'away';
    now += 61_000;
    expect((await get('/metrics', { as })).status).toBe(401);
  });
});

test('tokens are remembered for ten minutes, a hundred of them, and only those whose secret was right', async () => {
  const token = (id: string): ApiToken =>
    ({ id, hash: 'h', scopes: ['read'], pipelines: ['*'], expires: undefined, revoked: undefined }) as never;
  let isAway = false;
  let now = 0;
  const store = {
    token: (id: string) => (isAway ? away() : Promise.resolve(token(id))),
    tokenUsed: () => Promise.resolve(),
  } as unknown as TokenStore;
  const recent = new RecentTokens(() => now);
  const use = async (id: string): Promise<void> => {
    const tokens = recent.over(store);
    await tokens.token(id);
    await tokens.tokenUsed(id, 0);
  };
  for (let i = 0; i < 101; i++) await use(`t${i}`);
  await recent.over(store).token('guessed');
  isAway = true;
  await expect(recent.over(store).token('t0')).rejects.toThrow('cannot be reached');
  await expect(recent.over(store).token('guessed')).rejects.toThrow('cannot be reached');
  now = 599_999;
  expect((await recent.over(store).token('t100'))?.id).toBe('t100');
  now = 600_000;
  await expect(recent.over(store).token('t100')).rejects.toThrow('cannot be reached');
});
