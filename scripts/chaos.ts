import { setup } from '../test/stack.ts';
import { numberOptions } from './options.ts';

/**
 * `npm run chaos -- --kills 100 --seed 1`: kills parts of a separate stack, and counts broken promises from outside.
 */
const { kills, seed } = numberOptions(
  { kills: 100, seed: 1 },
  'npm run chaos -- [--kills 100] [--seed 1]\nKills and stops controllers, Livy, the Spark worker, drivers, the mail server and PostgreSQL at random while runs go on.\nThe same seed strikes in the same order.',
);
const down = await setup();
process.once('SIGINT', () => process.exit(130));
try {
  const { chaos, tableLines } = await import('../test/chaos/chaos.ts');
  const started = performance.now();
  const table = await chaos({ kills, seed, log: (line) => console.log(line) });
  console.log(`seed ${seed}, ${kills} strikes, ${Math.round((performance.now() - started) / 1000)} s`);
  for (const line of tableLines(table)) console.log(line);
  process.exitCode = Object.values(table.broken).some((cases) => cases.length > 0) ? 1 : 0;
} finally {
  await down();
}
