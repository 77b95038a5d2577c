import { describe, expect, test } from 'vitest';
import { simulate } from './schedule.ts';
import { strayIn } from './transitions.ts';
import { judge, promises } from './verdict.ts';
import { weaknesses } from './weaknesses.ts';

const schedules = 1000;

test(`${schedules} schedules of crashes break no promise`, { timeout: 300_000 }, async () => {
  const faults: Record<string, number> = {};
  const stray = new Set<string>();
  for (let seed = 1; seed <= schedules; seed++) {
    const { world, settled } = await simulate(seed);
    for (const [what, n] of Object.entries(world.faults)) faults[what] = (faults[what] ?? 0) + n;
    expect(await judge(world, settled), `npm run simulate -- --seed ${seed} --schedules 1`).toEqual([]);
    for (const run of world.runs.keys()) for (const each of strayIn(await world.store.history(run))) stray.add(each);
  }
  // A run may receive a second cancellation while cancelling, and its sources may have been measured just before.
  expect([...stray].filter((each) => !each.startsWith('run cancelling --'))).toEqual([]);
  // A simulation without faults proves nothing.
  expect(Object.keys(faults)).toHaveLength(9);
  for (const [what, n] of Object.entries(faults)) expect(n, what).toBeGreaterThan(100);
});

test('a schedule is the same whenever it is played', async () => {
  const play = async () => {
    const { world } = await simulate(42);
    return Promise.all([...world.runs.keys()].map((run) => world.store.history(run)));
  };
  expect(await play()).toEqual(await play());
});

describe('a system in which', () => {
  test.each(weaknesses.map((each) => [each.name, each] as const))(
    '%s is found out',
    { timeout: 120_000 },
    async (_name, { breaks, weakness }) => {
      for (let seed = 1; seed <= 1000; seed++) {
        const { world, settled } = await simulate(seed, weakness);
        const broken = await judge(world, settled);
        if (broken.some(({ promise }) => promise === breaks)) return;
      }
      expect.fail(`no schedule has broken the promise: ${breaks}`);
    },
  );

  test('nothing is wrong is the only one without violations: for each promise, another system breaks it', () => {
    expect(new Set(weaknesses.map(({ breaks }) => breaks))).toEqual(new Set(promises));
  });
});
