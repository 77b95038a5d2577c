import { setup } from '../test/stack.ts';
import { numberOptions } from './options.ts';

/** `npm run engines -- --cases 2000 --seed 1`: random marts on Spark and on the embedded engine. */
const { cases, seed } = numberOptions(
  { cases: 200, seed: 1 },
  'npm run engines -- [--cases 200] [--seed 1]\nRandom marts on Spark and on the embedded engine must be equal, or be refused by name. A case is played again by its seed: --seed N --cases 1',
);
const down = await setup();
process.once('SIGINT', () => process.exit(130));
try {
  const { engines } = await import('../test/differential/engines.ts');
  const { project } = await import('../test/integration/world.ts');
  const outcomes = await engines(await project(), { cases, seed, log: (line) => console.log(line) });
  const counts = new Map<string, number>();
  for (const { outcome } of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  for (const { seed: at, outcome, detail, sql } of outcomes)
    if (outcome !== 'equal')
      console.log(`seed ${at}: ${outcome}: ${detail}${outcome === 'different' ? `\n${sql}` : ''}`);
  const rows = outcomes.reduce((sum, each) => sum + each.rows, 0);
  console.log(`${[...counts].map(([outcome, n]) => `${n} ${outcome}`).join(', ')}; ${rows} rows compared`);
  process.exitCode = counts.has('different') ? 1 : 0;
} finally {
  await down();
}
