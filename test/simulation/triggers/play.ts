import type { TimedCursor } from '../../../controller/adapters/triggers/timed.ts';
import { skipDue } from '../../../controller/app/triggers/control.ts';
import { fireByHand } from '../../../controller/app/triggers/fire.ts';
import type { NamedTrigger } from '../../../controller/app/triggers/look.ts';
import { pick, pickWeighted, type Random, randomOf } from '../../../controller/demo/random.ts';
import { kindOf } from '../../../controller/domain/pipeline.ts';
import { edited, randomFields, versionOf } from './definitions.ts';
import { endServer, startServer } from './servers.ts';
import { Track } from './track.ts';
import { day, hour, minute } from './units.ts';
import type { Weakness } from './weaknesses.ts';
import { type Slot, TriggerWorld } from './world.ts';

/** How many triggers a world has, and for how many days: most are small, so that there are many of them. */
const sizes: readonly (readonly [{ readonly triggers: number; readonly days: number }, number])[] = [
  [{ triggers: 2, days: 30 }, 70],
  [{ triggers: 4, days: 15 }, 27],
  [{ triggers: 8, days: 60 }, 2.8],
  [{ triggers: 20, days: 400 }, 0.2],
];
const settleMs = 30 * minute;

/** Plays the world of a seed, which determines everything in it but the names of runs. */
export async function simulateTriggers(seed: number, weakness: Weakness = {}): Promise<TriggerWorld> {
  const { triggers, days } = pickWeighted(randomOf(seed, 'size'), sizes);
  const world = new TriggerWorld(seed, weakness, days);
  const { random, time, slots, tracks, lengthMs } = world;
  for (let i = 1; i <= triggers; i++) {
    const version = versionOf(`p${i}`, 1, randomFields(random));
    tracks.push(new Track(`p${i}`, version));
    for (const slot of slots) slot.versions.set(`p${i}`, version);
  }
  void world.store.heartbeat('engine', Number.MAX_SAFE_INTEGER / 4);
  world.crash = (process) => {
    const slot = slots.find((each) => each.process === process);
    if (slot) crash(world, slot);
  };
  world.plan();
  for (const slot of slots) startServer(world, slot);
  const rate = 0.3 + random() * 0.5;
  for (let at = random() * day; at < lengthMs; at += (-Math.log(1 - random()) * day) / rate)
    time.at(at, () => happen(world, random));
  time.at(lengthMs, () => settle(world));
  await time.until(() => false, lengthMs + settleMs);
  return world;
}

function crash(world: TriggerWorld, slot: Slot): void {
  if (!slot.process || slot.process.dead) return;
  endServer(world, slot);
  const downMs = 500 + world.random() * pick(world.random, [minute, hour, 6 * hour]);
  world.disturb('servers ended', downMs);
  world.time.at(world.time.now + downMs, () => {
    if (slot.process === undefined) startServer(world, slot);
  });
}

const namedOf = (world: TriggerWorld, { newest, name }: Track): NamedTrigger => ({
  ...{ loaded: newest.watched.loaded, name: name.trigger, trigger: newest.trigger },
  driver: kindOf(world.drivers, newest.trigger),
});

/** One thing happens. */
function happen(world: TriggerWorld, random: Random): void {
  const track = pick(random, world.tracks);
  if (track.generations.length === 0) return;
  pickWeighted<() => void>(random, [
    [() => crash(world, pick(random, world.slots)), 5],
    [() => world.slots.forEach((slot) => void crash(world, slot)), 1],
    [() => world.goAway(pick(random, [minute, hour, day, 4 * day]) * random()), 3],
    [() => void pause(world, track), 4],
    [() => edit(world, track), 4],
    [() => void reset(world, track), 1],
    [() => setClock(world), 1],
    [() => void fire(world, track), 2],
    [() => void skip(world, track), 1],
  ])();
}

async function pause(world: TriggerWorld, track: Track): Promise<void> {
  const { random, store, time } = world;
  const from = world.clock();
  const lasts = pick(random, [hour, day, 5 * day]) * random();
  const until = random() < 0.4 ? from + Math.ceil(lasts) + 1 : undefined;
  if (!(await store.pause(track.name, { by: 'anna', ...(until !== undefined && { until }) }))) return;
  track.pauses.push({ from, to: Number.POSITIVE_INFINITY, ...(until !== undefined && { until }) });
  world.disturb('pauses', 0);
  if (until !== undefined) time.at(time.now + lasts, () => world.disturb('pauses that ended by themselves', 0));
  if (until === undefined || random() < 0.2) time.at(time.now + lasts * 0.9, () => void resume(world, track));
}

async function resume(world: TriggerWorld, track: Track): Promise<void> {
  const last = track.pauses.at(-1);
  const now = world.clock();
  if (!(await world.store.resume(track.name))) return;
  if (last) last.to = now;
  world.disturb('resumed', 0);
}

/** A changed file reaches one server after the other, sometimes with a higher release. */
function edit(world: TriggerWorld, track: Track): void {
  const { random, time, slots } = world;
  const version = versionOf(track.name.pipeline, track.versions.length + 1, edited(random, track.newest.fields));
  track.versions.push(version);
  world.plan();
  const isRelease = random() < 0.5;
  const spreadMs = pick(random, [10_000, 10 * minute, 3 * hour]);
  const release = Math.max(...slots.map((slot) => slot.release)) + 1;
  if (isRelease) world.count('rolling deploys with a higher release');
  world.disturb('edits', spreadMs);
  for (const slot of slots)
    time.at(time.now + random() * spreadMs, () => {
      const versions = [...world.tracks].map((each): [string, typeof version] => [each.name.pipeline, each.newest]);
      for (const [pipeline, newest] of isRelease ? versions : [[version.watched.name, track.newest] as const])
        slot.versions.set(pipeline, newest);
      world.wake(10 * minute);
      if (!isRelease) return;
      slot.release = Math.max(slot.release, release);
      endServer(world, slot);
      time.at(time.now + 2000, () => slot.process ?? startServer(world, slot));
    });
}

async function reset(world: TriggerWorld, track: Track): Promise<void> {
  const now = world.clock();
  const { cursor, armed } = await world.store.trigger(track.name);
  await world.store.reset(track.name);
  const last = track.generations.at(-1);
  // What is owed at a reset is forgotten.
  if (last) last.ended = (cursor as { cursor: TimedCursor } | undefined)?.cursor.horizon ?? armed;
  track.generations.push({ armed: now, ended: Number.POSITIVE_INFINITY });
  const paused = track.pauses.at(-1);
  if (paused) paused.to = Math.min(paused.to, now);
  world.plan();
  world.disturb('resets', 0);
}

/** The store's clock is wrong for some time. */
function setClock(world: TriggerWorld): void {
  const { random, time, steps } = world;
  if (steps.at(-1)?.by !== 0 || time.now + 2 * day > world.lengthMs) return;
  steps.push({ from: time.now, by: Math.round((random() - 0.5) * 4 * hour) });
  world.disturb('the clock of the store was set', 3 * hour);
  time.at(time.now + random() * day, () => {
    steps.push({ from: time.now, by: 0 });
    world.disturb('the clock of the store was set', 3 * hour);
  });
}

async function fire(world: TriggerWorld, track: Track): Promise<void> {
  const { random, store } = world;
  const to = world.clock();
  const range = { from: Math.floor(to - random() * 4 * day), to };
  const only = pick(random, ['missing', 'failed', 'all'] as const);
  world.disturb('fired by hand', 0);
  await fireByHand(store, namedOf(world, track), { range, only, by: 'ben' }).then(
    ({ items }) => world.count('instants fired by hand', items.filter(({ outcome }) => outcome === 'started').length),
    () => world.count('refused to fire by hand'),
  );
}

async function skip(world: TriggerWorld, track: Track): Promise<void> {
  world.disturb('skipped by hand', 0);
  await skipDue(world.store, namedOf(world, track), 'carl', {} as never).catch(() => world.count('failed to skip'));
}

/** Everything works again, so that everything must come right. */
function settle(world: TriggerWorld): void {
  world.isSettling = true;
  world.returns();
  for (const track of world.tracks) {
    if (track.isPaused(world.clock())) void resume(world, track);
    for (const slot of world.slots) slot.versions.set(track.name.pipeline, track.newest);
  }
  const release = Math.max(...world.slots.map((slot) => slot.release));
  for (const slot of world.slots) {
    slot.release = release;
    endServer(world, slot);
    startServer(world, slot);
  }
  for (const begin of world.waiting) begin();
  world.wake(settleMs);
}
