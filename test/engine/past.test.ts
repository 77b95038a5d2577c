import { expect, test } from 'vitest';
import type { RunEvent } from '../../controller/domain/events.ts';
import type { Profile } from '../../controller/domain/profile.ts';
import { readPast } from '../../controller/engine/read-past.ts';
import { makePlan } from '../../controller/planning/plan.ts';
import { good, load } from '../pipeline/files.ts';
import { profile } from '../planning/profiles.ts';
import { world } from './world.ts';

const day = 86_400_000;
const compared = good.replace('deliveries.rows > 0', 'normal(deliveries.rows)');

test('a run is compared with the runs before it, and its history has all that its plan was decided from', async () => {
  const profiles: Record<string, Profile> = { deliveries: profile({ rows: 1000 }), orders: profile() };
  const made = world(profiles);
  const { run, ports } = made;
  const pipeline = await load(compared);
  const ends: (string | undefined)[] = [];
  let events: RunEvent[] = [];
  const days = (rows: number) => {
    profiles.deliveries = profile({ rows });
    return run(pipeline, `r${ends.length}`);
  };
  for (const rows of [...Array.from({ length: 20 }, (_, i) => 1000 + (i % 3)), 30, 1001]) {
    const found = await days(rows);
    ends.push(found.state.ended?.state);
    if (rows === 30) ({ events } = found);
    made.now += day;
  }
  expect(ends).toEqual([...Array.from({ length: 20 }, () => 'succeeded'), 'failed', 'succeeded']);
  const measured = events.find((event) => event.type === 'sources-measured');
  const planned = events.find((event) => event.type === 'planned');
  expect(measured?.past?.['deliveries.rows']).toHaveLength(20);
  const [verdict] = planned?.plan.verdicts ?? [];
  expect(verdict).toMatchObject({ outcome: 'fail', compared: [{ verdict: 'unusual', value: 30 }] });
  expect(verdict?.because).toMatch(/deliveries.rows = 30 is unusual: \d+ to \d+ expected, from a median of 100\d in/);
  // The stored measures decide the same plan again.
  const { profiles: stored = {}, findings = {}, past } = JSON.parse(JSON.stringify(measured));
  const at = (await ports.store.history('r20')).find(({ event }) => event.type === 'sources-measured')?.at ?? 0;
  const cluster = await ports.backend.capacity();
  expect(makePlan(pipeline, { profiles: stored, findings, past }, cluster, at)).toEqual(planned?.plan);
});

test('the new rows of a full refresh, to which all rows are new, are not compared', async () => {
  const pipeline = await load(good.replace('deliveries.rows > 0', 'normal(deliveries.new) && normal(deliveries.rows)'));
  const index = { lastMeasures: async () => [] };
  const paths = async (isFullRefresh: boolean) =>
    Object.keys((await readPast(index, pipeline, { isFullRefresh })).past ?? {});
  expect(await paths(false)).toEqual(['deliveries.new', 'deliveries.rows']);
  expect(await paths(true)).toEqual(['deliveries.rows']);
});

test('a pipeline without normal() reads no earlier runs and records none', async () => {
  const { run, ports } = world({ deliveries: profile(), orders: profile() });
  ports.store.lastMeasures = () => Promise.reject(new Error('not asked'));
  const { events } = await run(await load(good));
  expect(events.find((event) => event.type === 'sources-measured')).not.toHaveProperty('past');
});
