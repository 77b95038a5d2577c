import { describe, expect, test } from 'vitest';
import { simulateTriggers } from './triggers/play.ts';
import { judge, promises } from './triggers/verdict.ts';
import { weaknesses } from './triggers/weaknesses.ts';

const worlds = 25;

test(`${worlds} worlds of schedules keep every promise`, { timeout: 300_000 }, async () => {
  const counts: Record<string, number> = {};
  for (let seed = 1; seed <= worlds; seed++) {
    const world = await simulateTriggers(seed);
    expect(await judge(world), `npm run simulate -- --triggers --seed ${seed} --schedules 1`).toEqual([]);
    for (const [what, n] of Object.entries(world.counts)) counts[what] = (counts[what] ?? 0) + n;
  }
  // A simulation in which nothing happens proves nothing.
  for (const what of ['instants', 'started', 'joined', 'superseded', 'missed', 'skipped'])
    expect(counts[what], what).toBeGreaterThan(50);
  for (const what of ['servers ended', 'edits', 'pauses', 'store away', 'instants without a disturbance'])
    expect(counts[what], what).toBeGreaterThan(20);
});

describe('a system in which', () => {
  test.each(weaknesses.map((each) => [each.name, each] as const))(
    '%s is found out',
    { timeout: 120_000 },
    async (_name, { breaks, weakness }) => {
      for (let seed = 1; seed <= 100; seed++) {
        const broken = await judge(await simulateTriggers(seed, weakness));
        if (broken.some(({ promise }) => promise === breaks)) return;
      }
      expect.fail(`no world has broken the promise: ${breaks}`);
    },
  );

  test('nothing is wrong is the only one without violations: for each promise, another system breaks it', () => {
    expect(new Set(weaknesses.map(({ breaks }) => breaks))).toEqual(new Set(promises));
  });
});
