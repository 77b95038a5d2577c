import { expect, test } from 'vitest';
import { simulate } from './schedule.ts';
import { judge } from './verdict.ts';

const schedules = 1000;

test(`${schedules} schedules of crashes break no promise`, { timeout: 300_000 }, async () => {
  const faults: Record<string, number> = {};
  for (let seed = 1; seed <= schedules; seed++) {
    const { world, settled } = await simulate(seed);
    for (const [what, n] of Object.entries(world.faults)) faults[what] = (faults[what] ?? 0) + n;
    expect(await judge(world, settled), `npm run simulate -- --seed ${seed} --schedules 1`).toEqual([]);
  }
  // A simulation in which nothing goes wrong proves nothing.
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

test('a world without claims would have two applications: the verdict sees what it looks for', async () => {
  const { world, settled } = await simulate(1);
  const [app] = world.cluster.applications;
  if (!app) throw new Error('no application');
  world.cluster.applications.push({ ...app, id: 'twin' });
  const [mail] = world.mailbox.mails;
  if (mail) world.mailbox.mails.push({ ...mail, text: 'another' });
  const [published] = world.sink.published;
  if (published) world.sink.published.push({ ...published });
  const seen = new Set((await judge(world, settled)).map((each) => each.promise));
  expect(seen).toContain('steps with two applications alive at the same time');
  expect(seen).toContain('events with two different mails');
  expect(seen).toContain('results published twice or half');
});
