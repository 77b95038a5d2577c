import { expect, test } from 'vitest';
import { jitterMs } from '../../controller/schedule/jitter.ts';

test('a jitter is the same for the same texts, on each server and in each release', () => {
  expect(jitterMs(300_000, 'shop', 'orders', 'nightly', '2026-11-01T01:30')).toBe(61_585);
});

test('a jitter depends on each text and on where one ends', () => {
  const all = [['a', 'b'], ['a', 'c'], ['ab'], ['a', 'b', ''], ['b', 'a']].map((texts) => jitterMs(1e12, ...texts));
  expect(new Set(all).size).toBe(all.length);
});

test('jitters lie from 0 to the maximum, about evenly', () => {
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 4000; i += 1) {
    const jitter = jitterMs(3, String(i));
    counts[jitter] = (counts[jitter] ?? 0) + 1;
  }
  expect(counts).toHaveLength(4);
  expect(Math.min(...counts)).toBeGreaterThan(900);
  expect(jitterMs(0, 'a')).toBe(0);
});
