import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { atMostEvery } from '../../controller/lib/at-most-every.ts';

test('callers share the work under way, however slow it is, and its result for a while', async () => {
  let [calls, running, most] = [0, 0, 0];
  const ask = atMostEvery(50, async () => {
    calls += 1;
    running += 1;
    most = Math.max(most, running);
    await sleep(150);
    running -= 1;
    return calls;
  });
  const first = ask();
  await sleep(100);
  expect(await Promise.all([first, ask(), ask()])).toEqual([1, 1, 1]);
  expect(await ask()).toBe(1);
  await sleep(60);
  expect(await Promise.all([ask(), ask()])).toEqual([2, 2]);
  expect(most).toBe(1);
});

test('work that fails is done again at the next call', async () => {
  let calls = 0;
  const ask = atMostEvery(60_000, async () => {
    calls += 1;
    if (calls === 1) throw new Error('away');
    return calls;
  });
  await expect(Promise.all([ask(), ask()])).rejects.toThrow('away');
  expect(calls).toBe(1);
  expect([await ask(), await ask()]).toEqual([2, 2]);
});
