import { expect, test } from 'vitest';
import { coreSecondsOf } from '../../controller/domain/outcome.ts';
import type { RunState } from '../../controller/domain/state.ts';

const attempt = (settings: object | undefined, startedAt: number, endedAt?: number) => ({
  ...{ settings, startedAt },
  ...(endedAt !== undefined && { ended: { state: 'failed', at: endedAt } }),
});

test('a run costs what its attempts took, times their cores; requests cost none, and what goes on counts until then', () => {
  const spark = { executors: 3, executorCores: 2 };
  const embedded = { engine: 'embedded', executors: 9, executorCores: 2 };
  const attempts = [
    [attempt(spark, 1000, 11_000), attempt(spark, 20_000)],
    [attempt(embedded, 0, 4000)],
    [attempt(undefined, 0, 99_000)],
  ];
  const state = { steps: Object.fromEntries(attempts.map((each, i) => [i, { attempts: each }])) };
  expect(coreSecondsOf(state as unknown as RunState, 25_000)).toBe(10 * 6 + 5 * 6 + 4 * 2);
});
