import { describe, expect, test } from 'vitest';
import { milliseconds } from '../../controller/pipeline/duration.ts';
import { fractionOf, jitterShare, retryDelay } from '../../controller/run/retry.ts';

const policy = { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '1m' };

describe('the delay before a retry', () => {
  test('grows exponentially from the initial interval up to its cap', () => {
    const middle = [2, 3, 4, 5, 6, 7].map((next) => retryDelay(policy, next, 0.5));
    expect(middle).toEqual([5000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  });

  test('stays within the jitter’s bounds, whatever the policy and the fraction', () => {
    for (let n = 0; n < 2000; n++) {
      const random = (i: number): number => fractionOf(`${n}-${i}`);
      const any = {
        initialInterval: `${1 + Math.floor(random(1) * 10_000)}ms`,
        backoffCoefficient: 1 + random(2) * 9,
        maximumInterval: `${1 + Math.floor(random(3) * 600)}s`,
      };
      const next = 2 + Math.floor(random(4) * 20);
      const bare = Math.min(
        milliseconds(any.maximumInterval),
        milliseconds(any.initialInterval) * any.backoffCoefficient ** (next - 2),
      );
      const delay = retryDelay(any, next, random(5));
      expect(delay).toBeGreaterThanOrEqual(Math.floor(bare * (1 - jitterShare)));
      expect(delay).toBeLessThanOrEqual(Math.ceil(bare * (1 + jitterShare)));
    }
  });

  test('of the same key is always the same, of different keys hardly ever', () => {
    expect(fractionOf('a')).toBe(fractionOf('a'));
    expect(new Set(Array.from({ length: 100 }, (_, i) => fractionOf(String(i)))).size).toBe(100);
  });
});
