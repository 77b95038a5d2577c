import { fork } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { check, summary, type Tally, type Twins, twinsOf, zoneNames } from '../test/schedule/proof.ts';

/**
 * `npm run schedules`: the instants of schedules against an oracle that looks at the clock of each minute, around every
 * transition of every time zone from 2007 to 2037, on all cores.
 */
if (process.send) {
  process.once('message', (twins: Twins[]) => {
    void report(twins);
  });
} else {
  const started = performance.now();
  const twins = twinsOf(zoneNames());
  const workers = Math.min(cpus().length, twins.length);
  const tallies: Tally[] = [];
  const progress = (tally: Tally): void => {
    tallies.push(tally);
    if (process.stderr.isTTY)
      process.stderr.write(`\r${tallies.length} of ${twins.length} zones, now ${tally.zone}\u001b[K`);
  };
  await Promise.all(
    Array.from({ length: workers }, (_, worker) => {
      const child = fork(fileURLToPath(import.meta.url));
      child.on('message', progress);
      child.send(twins.filter((_, i) => i % workers === worker));
      return new Promise<void>((resolve) => child.once('exit', () => resolve()));
    }),
  );
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  const problems = tallies.flatMap((tally) => tally.problems);
  for (const problem of problems.slice(0, 10)) console.log(problem);
  const seconds = (performance.now() - started) / 1000;
  console.log(`${summary(twins, tallies)}, in ${seconds.toFixed(0)} s on ${workers} cores`);
  if (tallies.length < twins.length) console.log(`only ${tallies.length} of ${twins.length} zones were compared`);
  process.exitCode = problems.length > 0 || tallies.length < twins.length ? 1 : 0;
}

/** One message at a time: each is sent before the next zone begins. */
async function report(twins: readonly Twins[]): Promise<void> {
  for (const each of twins) {
    const tally = check(each);
    await new Promise((sent) => process.send?.(tally, undefined, undefined, sent));
  }
  process.disconnect();
}
