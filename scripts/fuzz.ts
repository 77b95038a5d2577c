import { fuzz, type Tally } from '../test/fuzz/subject.ts';
import { subjects } from '../test/fuzz/subjects.ts';
import { numberOptions } from './options.ts';

/** `npm run fuzz -- --cases 20000 --seed 1`: random and hostile inputs, and what they broke. */
const { cases, seed } = numberOptions(
  { cases: 20_000, seed: 1 },
  'npm run fuzz -- [--cases 20000] [--seed 1]\nPlays so many cases of pipeline files, record batches and the like, and a share of them of what is slower. A case that breaks something is played again by --seed SEED --cases 1 (of the shares: --cases 10).',
);

const all = await subjects();
const columns: readonly (keyof Tally)[] = ['accepted', 'refused', 'crashes', 'hangs', 'losses'];
console.log(['subject'.padEnd(24), 'cases'.padStart(8), ...columns.map((name) => name.padStart(9))].join(''));
let bad = 0;
for (const subject of all) {
  const wanted = Math.ceil(cases * subject.share);
  const tally = await fuzz(subject, wanted, seed, (what) => console.error(what));
  bad += tally.crashes + tally.hangs + tally.losses;
  console.log(
    [
      subject.name.padEnd(24),
      String(wanted).padStart(8),
      ...columns.map((name) => String(tally[name]).padStart(9)),
    ].join(''),
  );
}
await Promise.all(all.map((subject) => subject.close?.()));
console.log(`seed ${seed}: ${bad === 0 ? 'nothing broke' : `${bad} cases broke something`}`);
process.exitCode = bad === 0 ? 0 : 1;
