import { expect, test } from 'vitest';
import { differential } from '../differential/differential.ts';
import { project } from './world.ts';

test('two hundred random cases: Spark and DuckDB agree on every row', async () => {
  const seed = 1 + Math.floor(Math.random() * 1e6);
  const outcomes = await differential(await project(), {
    seed,
    cases: 200,
    log: (line) => process.stdout.write(`${line}\n`),
  });
  // `npm run differential -- --seed N --cases 1` repeats a failing case.
  expect(outcomes.filter(({ problems }) => problems.length > 0)).toEqual([]);
  expect(outcomes).toHaveLength(200);
  expect(outcomes.reduce((sum, { rows }) => sum + rows, 0)).toBeGreaterThan(10_000);
}, 900_000);
