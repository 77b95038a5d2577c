import { fork } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { simulate } from '../test/simulation/schedule.ts';
import { simulateTriggers } from '../test/simulation/triggers/play.ts';
import { judge as judgeTriggers, promises as promisesOfTriggers } from '../test/simulation/triggers/verdict.ts';
import { judge, promises as promisesOfRuns } from '../test/simulation/verdict.ts';
import { numberOptions } from './options.ts';

/**
 * `npm run simulate -- --schedules 10000 --seed 1`: crash schedules in simulated time, on all cores, and what they
 * broke. With --triggers, worlds of servers that fire triggers.
 */
const ofTriggers = process.argv.includes('--triggers');
process.argv = process.argv.filter((each) => each !== '--triggers');
const promises: readonly string[] = ofTriggers ? promisesOfTriggers : promisesOfRuns;
const { schedules: total, seed: first } = numberOptions(
  { schedules: 10_000, seed: 1 },
  'npm run simulate -- [--triggers] [--schedules 10000] [--seed 1]\nPlays crash schedules, a seed each from --seed on; with --triggers, servers that fire triggers by the clock. One that breaks a promise is played again with --seed SEED --schedules 1.',
);

interface Tally {
  readonly played: number;
  readonly runs: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly broken: readonly { readonly seed: number; readonly promise: string; readonly what: string }[];
}

/** What happened in the world of a seed. */
async function outcomeOf(seed: number) {
  if (ofTriggers) {
    const world = await simulateTriggers(seed);
    const broken = await judgeTriggers(world);
    return { runs: world.counts.started ?? 0, faults: world.counts, broken };
  }
  const { world, settled } = await simulate(seed);
  return { runs: world.runs.size, faults: world.faults, broken: await judge(world, settled) };
}

async function play(seeds: readonly number[], log: (tally: Tally) => void): Promise<void> {
  for (let at = 0; at < seeds.length; at += 50) {
    const faults: Record<string, number> = {};
    const broken: Tally['broken'][number][] = [];
    const some = seeds.slice(at, at + 50);
    let runs = 0;
    for (const seed of some) {
      const outcome = await outcomeOf(seed);
      runs += outcome.runs;
      for (const [what, n] of Object.entries(outcome.faults)) faults[what] = (faults[what] ?? 0) + n;
      broken.push(...outcome.broken.map((each) => ({ ...each, seed })));
    }
    log({ played: some.length, runs, faults, broken });
  }
}

if (process.send) {
  process.once('message', (seeds: number[]) => {
    void play(seeds, (tally) => process.send?.(tally)).then(() => process.disconnect());
  });
} else {
  const started = performance.now();
  const workers = Math.min(cpus().length, total);
  const faults = new Map<string, number>();
  const broken: Tally['broken'][number][] = [];
  let played = 0;
  let runs = 0;
  const take = (tally: Tally): void => {
    played += tally.played;
    runs += tally.runs;
    for (const [what, n] of Object.entries(tally.faults)) faults.set(what, (faults.get(what) ?? 0) + n);
    broken.push(...tally.broken);
    if (process.stdout.isTTY)
      process.stdout.write(`\r${played} of ${total} schedules, ${broken.length} broken promises`);
  };
  const seeds = Array.from({ length: total }, (_, i) => first + i);
  await Promise.all(
    Array.from({ length: workers }, (_, worker) => {
      const child = fork(fileURLToPath(import.meta.url), ofTriggers ? ['--triggers'] : []);
      child.on('message', take);
      child.send(seeds.filter((_, i) => i % workers === worker));
      return new Promise<void>((resolve) => child.once('exit', () => resolve()));
    }),
  );
  if (process.stdout.isTTY) process.stdout.write('\n');
  for (const { seed, promise, what } of broken.slice(0, 10))
    console.log(`seed ${seed}: ${promise}: ${what.slice(0, 300)}`);
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `${played} schedules with ${runs} runs in ${seconds.toFixed(1)} s on ${workers} cores, seeds ${first} to ${first + total - 1}`,
  );
  for (const [what, n] of [...faults].sort()) console.log(`${String(n).padStart(8)}  ${what}`);
  console.log('must be zero:');
  for (const promise of promises)
    console.log(`${String(broken.filter((each) => each.promise === promise).length).padStart(8)}  ${promise}`);
  if (played < total) console.log(`only ${played} of ${total} were played`);
  process.exitCode = broken.length > 0 || played < total ? 1 : 0;
}
