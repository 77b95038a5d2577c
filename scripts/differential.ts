import { setup } from '../test/stack.ts';
import { numberOptions } from './options.ts';

/** `npm run differential -- --cases 2000 --seed 1`: random schemas, data and marts, computed by Spark and by DuckDB. */
const { cases, seed } = numberOptions(
  { cases: 200, seed: 1 },
  'npm run differential -- [--cases 200] [--seed 1]\nRandom sources and marts, computed by Spark and by DuckDB, must be equal. A case that fails is played again by its seed: --seed N --cases 1',
);
const down = await setup();
process.once('SIGINT', () => process.exit(130));
try {
  const { differential } = await import('../test/differential/differential.ts');
  const { project } = await import('../test/integration/world.ts');
  const outcomes = await differential(await project(), { cases, seed, log: (line) => console.log(line) });
  const failed = outcomes.filter(({ problems }) => problems.length > 0);
  for (const { seed: at, problems } of failed) console.log(`seed ${at}: ${problems.join('; ')}`);
  const rows = outcomes.reduce((sum, each) => sum + each.rows, 0);
  console.log(`${outcomes.length - failed.length} of ${outcomes.length} cases equal, ${rows} rows of marts compared`);
  process.exitCode = failed.length > 0 ? 1 : 0;
} finally {
  await down();
}
