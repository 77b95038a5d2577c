import { describe, expect, test } from 'vitest';
import { fractionOf, retryDelay } from '../../controller/machine/retry.ts';

const policy = { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '1m' };

describe('the delay before a retry', () => {
  test('grows exponentially from the initial interval up to its cap', () => {
    const middle = [2, 3, 4, 5, 6, 7].map((next) => retryDelay(policy, next, 0.5));
    expect(middle).toEqual([5000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  });

  test.each([
    [2, 0, 4000],
    [2, 0.25, 4500],
    [2, 0.75, 5500],
    [3, 0, 8000],
    [6, 0, 48_000],
    [6, 0.5, 60_000],
    [100, 1 - 2 ** -32, 72_000],
  ])('before attempt %d, at %d of its jitter, is %d ms', (next, fraction, ms) => {
    expect(retryDelay(policy, next, fraction)).toBe(ms);
  });

  test('is always the same for the same key, and differs between keys', () => {
    expect(fractionOf('a')).toBe(fractionOf('a'));
    expect(new Set(Array.from({ length: 100 }, (_, i) => fractionOf(String(i)))).size).toBe(100);
  });
});
