import { expect, test } from 'vitest';
import { differential } from '../differential/differential.ts';
import { project } from './world.ts';

test('forty random cases: Spark and DuckDB agree on every row', async () => {
  // Others each time; `npm run test:nightly` plays 2000.
  const seed = 1 + Math.floor(Math.random() * 1e6);
  const outcomes = await differential(await project(), {
    seed,
    cases: 40,
    log: (line) => process.stdout.write(`${line}\n`),
  });
  // `npm run differential -- --seed N --cases 1` repeats a failing case.
  expect(outcomes.filter(({ problems }) => problems.length > 0)).toEqual([]);
  expect(outcomes).toHaveLength(40);
  expect(outcomes.reduce((sum, { rows }) => sum + rows, 0)).toBeGreaterThan(2000);
}, 900_000);
