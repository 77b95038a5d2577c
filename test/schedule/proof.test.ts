import { expect, test } from 'vitest';
import { randomOf } from '../../controller/demo/random.ts';
import { check, summary, twinsOf, zoneNames } from './proof.ts';

/** Zones with rules of their own. `npm run schedules` takes all. */
const special = [
  ...['America/New_York', 'Europe/Moscow', 'Australia/Lord_Howe', 'Pacific/Apia', 'Africa/Casablanca', 'Asia/Gaza'],
  ...['America/Nuuk', 'Antarctica/Troll', 'America/St_Johns', 'America/Sao_Paulo', 'America/Caracas', 'UTC'],
];

test('instants are those of an oracle that reads the clock of each minute', () => {
  const seed = 1;
  const random = randomOf(seed, 'schedules');
  const some = zoneNames().filter(() => random() < 0.03);
  const twins = twinsOf([...new Set([...special, ...some])]);
  const tallies = twins.map((each) => check(each, () => random() < 0.08));
  process.stdout.write(`seed ${seed}: ${summary(twins, tallies)}\n`);
  expect(tallies.flatMap(({ problems }) => problems).slice(0, 5)).toEqual([]);
  expect(tallies.reduce((all, { instants }) => all + instants, 0)).toBeGreaterThan(100_000);
});
