import { setup } from '../test/stack.ts';
import { numberOptions } from './options.ts';

/**
 * `npm run chaos -- --kills 100 --seed 1`: kills parts of a separate stack, and counts broken promises from outside.
 * With --triggers, it kills the servers that fire a thousand instants.
 */
const ofTriggers = process.argv.includes('--triggers');
process.argv = process.argv.filter((each) => each !== '--triggers');
const { kills, seed } = numberOptions(
  { kills: 100, seed: 1 },
  'npm run chaos -- [--triggers] [--kills 100] [--seed 1]\nKills and stops controllers, Livy, the Spark worker, drivers, the mail server and PostgreSQL at random while runs go on.\nWith --triggers, kills and stops servers that fire a thousand instants in 20 minutes.\nThe same seed strikes in the same order.',
);
const down = await setup();
process.once('SIGINT', () => process.exit(130));
try {
  const { chaos, tableLines } = await import('../test/chaos/chaos.ts');
  const { firingChaos, firingLines } = await import('../test/chaos/triggers.ts');
  const started = performance.now();
  const log = (line: string): void => console.log(line);
  const played = async () => {
    if (!ofTriggers) {
      const table = await chaos({ kills, seed, log });
      return { broken: table.broken, lines: tableLines(table) };
    }
    const table = await firingChaos({ triggers: 50, minutes: 20, kills, seed, log });
    return { broken: table.broken, lines: firingLines(table) };
  };
  const { broken, lines } = await played();
  console.log(`seed ${seed}, ${kills} strikes, ${Math.round((performance.now() - started) / 1000)} s`);
  for (const line of lines) console.log(line);
  process.exitCode = Object.values(broken).some((cases) => cases.length > 0) ? 1 : 0;
} finally {
  await down();
}
