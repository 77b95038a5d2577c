import type { TimedCursor } from '../../../controller/adapters/triggers/timed.ts';
import type { RunStore } from '../../../controller/domain/ports/store.ts';
import type { Entered, TriggerName } from '../../../controller/domain/ports/triggers.ts';
import type { Track } from './track.ts';
import { hour, minute } from './units.ts';
import type { TriggerWorld } from './world.ts';

/** The store with a witness at its door: it sees what has been committed, whoever learns of it. */
export function witnessed(store: RunStore, world: TriggerWorld): RunStore {
  return {
    ...store,
    async trigger(name) {
      const state = await store.trigger(name);
      const track = trackOf(world, name);
      if (track.generations.length === 0) {
        track.generations.push({ armed: state.armed, ended: Number.POSITIVE_INFINITY });
        // Intervals count from here.
        world.plan();
      }
      return state;
    },
    async fire(name, seen, firings, cursor, isPartial) {
      const track = trackOf(world, name);
      const isPaused = track.isPaused(world.clock());
      const entered = await store.fire(name, seen, firings, cursor, isPartial);
      if (!entered) {
        world.count('turned away, as the trigger had changed');
        return entered;
      }
      const isByHand = seen.seq === undefined;
      for (const each of entered) {
        if (!each.isNew || each.run === undefined) continue;
        if (isPaused && !isByHand)
          world.broken.push({ promise: 'runs started in a pause', what: `${name.pipeline}: ${each.key}` });
        if (each.outcome === 'started') live(world, name, each);
      }
      if (!isByHand) adopt(track, seen.generation, cursor);
      return entered;
    },
  };
}

const trackOf = ({ tracks }: TriggerWorld, { pipeline }: TriggerName): Track =>
  tracks.find((each) => each.name.pipeline === pipeline) as Track;

/** Notes since when the ledger follows a definition. */
function adopt(track: Track, generation: number, cursor: unknown): void {
  const { definition, horizon } = (cursor as { cursor: TimedCursor }).cursor;
  const text = JSON.stringify(definition);
  const last = track.adoptions.findLast((each) => each.generation === generation);
  if (last?.definition === text) return;
  const armed = track.generations[generation - 1]?.armed ?? horizon;
  track.adoptions.push({ generation, definition: text, from: last ? horizon : armed });
}

/** A run waits, begins to measure, and ends. */
function live(world: TriggerWorld, { pipeline }: TriggerName, { run = '' }: Entered): void {
  const { random, time, store } = world;
  const chance = random();
  const longest = world.isSettling ? 5000 : chance < 0.75 ? 20_000 : chance < 0.9 ? 30 * minute : 40 * hour;
  const append = async (type: 'measuring' | 'run-ended'): Promise<void> => {
    const { length } = await store.history(run);
    const state = random() < 0.1 ? 'failed' : 'succeeded';
    const lease = await store.claim(run, 'engine');
    if (!lease) return;
    const at = world.clock();
    if (type === 'measuring')
      await store.append(lease, length, at, { events: [{ type }], summary: { measuring: true } });
    else
      await store.append(lease, length, at, { events: [{ type, state, reason: '' }], summary: { state, ended: at } });
  };
  const begin = (): void => {
    if (!world.waiting.delete(begin)) return;
    void store.knownTrigger({ pipeline, trigger: 't' }).then((known) => {
      // Firings may wait for this.
      if ((known?.waiting ?? 0) > 8) world.wake(12_000);
    });
    void append('measuring');
    time.at(time.now + minute, () => void append('run-ended'));
  };
  world.waiting.add(begin);
  time.at(time.now + 500 + random() * longest, begin);
}
