import type { RunEvent } from '../../controller/domain/events.ts';
import { currentPause, lastResumed, type Pause, pausesAt } from '../../controller/domain/pauses.ts';
import type { NewRun } from '../../controller/domain/ports/store.ts';
import {
  type Entered,
  type FiringRecord,
  mostWaiting,
  type NewFiring,
  type TriggerName,
  type TriggerState,
  type TriggerStore,
} from '../../controller/domain/ports/triggers.ts';
import { matchesGlob } from '../../controller/lib/glob.ts';

export interface KnownTrigger extends TriggerName {
  project: string;
  seq: number;
  generation: number;
  armed: number;
  cursor: unknown;
  pauses: readonly Pause[];
  resumed: number | undefined;
  problem: string | undefined;
  firings: FiringRecord[];
}

/** What the fake store gives to its ledger. */
interface Within {
  readonly create: (run: NewRun) => Promise<unknown>;
  readonly request: (run: string, at: number, event: RunEvent) => Promise<unknown>;
  readonly has: (run: string) => boolean;
  /** The runs of a trigger that have not begun to measure, newest first. */
  readonly waiting: (name: TriggerName) => readonly string[];
  readonly ends: (name: TriggerName, since: number) => readonly string[];
}

let numbers = 0;

/** Triggers in memory, a part of the fake store. */
export function memoryTriggers(
  triggers: Map<string, KnownTrigger>,
  clock: () => number,
  project: string,
  store: Within,
): TriggerStore {
  const keyOf = ({ pipeline, trigger }: TriggerName): string => JSON.stringify([project, pipeline, trigger]);
  const known = (name: TriggerName): KnownTrigger => {
    const { pipeline, trigger } = name;
    const fresh = { seq: 0, generation: 1, armed: clock(), cursor: undefined, pauses: [] };
    const made = { project, pipeline, trigger, ...fresh, resumed: undefined, problem: undefined, firings: [] };
    const found = triggers.get(keyOf(name)) ?? made;
    triggers.set(keyOf(name), found);
    return found;
  };
  const stateOf = (of: KnownTrigger): Omit<TriggerState, 'cursor'> => {
    const { seq, generation, armed, problem } = of;
    const pauses = pausesAt(of.pauses, clock());
    const waiting = store.waiting(of).length;
    return { seq, generation, armed, now: clock(), pauses, resumed: lastResumed(pauses, of.resumed), waiting, problem };
  };
  const shown = (row: FiringRecord): FiringRecord => ({
    ...structuredClone(row),
    run: row.run !== undefined && store.has(row.run) ? row.run : undefined,
  });
  const all = (): FiringRecord[] =>
    [...triggers.values()]
      .filter((each) => each.project === project)
      .flatMap((each) => each.firings)
      .sort((a, b) => b.number - a.number)
      .map(shown);

  /** Enters a firing at once; the calls of the store are added to `calls`. */
  function enter(of: KnownTrigger, firing: NewFiring, calls: unknown[]): Entered {
    const { key, due, until, count = 1, payload, as, replaces = [] } = firing;
    const before = of.firings.find((each) => each.key === key && each.generation === of.generation);
    if (before && !replaces.includes(before.outcome)) {
      const { outcome, reason, run } = shown(before);
      return { key, isNew: false, outcome, reason, run };
    }
    const waiting = store.waiting(of);
    let entered: Pick<Entered, 'outcome' | 'reason' | 'run'> = { reason: undefined, run: undefined, ...as } as never;
    if ('start' in as) {
      const run = as.start.run;
      if (as.joins && waiting[0] !== undefined) {
        calls.push(store.request(waiting[0], as.start.at, as.joins));
        entered = { outcome: 'joined', reason: `run ${waiting[0]} had not begun to measure`, run: waiting[0] };
      } else if (waiting.length >= mostWaiting)
        entered = { outcome: 'refused', reason: `${waiting.length} runs of this trigger are waiting`, run: undefined };
      else {
        calls.push(store.create({ ...as.start, trigger: of.trigger }));
        entered = { outcome: 'started', reason: undefined, run };
      }
    }
    numbers += 1;
    const { pipeline, trigger, generation } = of;
    const kept = before ?? { number: numbers, pipeline, trigger, generation, key, due, until, count };
    of.firings = of.firings.filter((each) => each !== before);
    of.firings.push({ ...kept, payload: structuredClone(before?.payload ?? payload), noted: clock(), ...entered });
    return { key, isNew: true, ...entered };
  }

  return {
    async knownTrigger(name) {
      const of = triggers.get(keyOf(name));
      return of && { ...stateOf(of), cursor: structuredClone(of.cursor) };
    },
    async trigger(name) {
      const of = known(name);
      return { ...stateOf(of), cursor: structuredClone(of.cursor) };
    },
    triggers: async () =>
      [...triggers.values()]
        .filter((each) => each.project === project)
        .map((each) => {
          const { pipeline, trigger } = each;
          const last = all().find((row) => row.pipeline === pipeline && row.trigger === trigger);
          return { pipeline, trigger, ...stateOf(each), last };
        })
        .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
    async fire(name, seen, firings, cursor) {
      const of = triggers.get(keyOf(name));
      if (of?.generation !== seen.generation || (seen.seq !== undefined && of.seq !== seen.seq)) return undefined;
      const starts = firings.flatMap(({ as, key }) =>
        'start' in as && !of.firings.some((each) => each.key === key) ? [as.start.run] : [],
      );
      const taken = starts.find((run, i) => store.has(run) || starts.indexOf(run) !== i);
      if (taken !== undefined) throw new Error(`there is a run ${taken} already`);
      if (seen.seq !== undefined) {
        const pauses = pausesAt(of.pauses, clock());
        const current = currentPause(pauses);
        Object.assign(of, {
          seq: of.seq + 1,
          cursor: structuredClone(cursor),
          pauses: current ? [current] : [],
          resumed: lastResumed(pauses, of.resumed),
        });
      }
      const calls: unknown[] = [];
      const entered = firings.map((firing) => enter(of, firing, calls));
      await Promise.all(calls);
      return entered;
    },
    firings: async ({ pipelines, pipeline, trigger, outcome, run, at, since, until, before, limit }) =>
      all()
        .filter((each) => pipelines?.some((glob) => matchesGlob(glob, each.pipeline)) ?? true)
        .filter((each) => since === undefined || (each.until ?? each.due) >= since)
        .filter(({ due }) => until === undefined || due < until)
        .filter((each) => (pipeline ?? each.pipeline) === each.pipeline && (trigger ?? each.trigger) === each.trigger)
        .filter((each) => (outcome ?? each.outcome) === each.outcome && (run === undefined || run === each.run))
        .filter(({ due, until: last = due }) => at === undefined || (due <= at && at <= last))
        .filter(({ number }) => before === undefined || number < before)
        .slice(0, limit),
    async removeFirings(ageMs, newest, limit) {
      let removed = 0;
      for (const of of [...triggers.values()].filter((each) => each.project === project)) {
        const byAge = [...of.firings].sort((a, b) => a.number - b.number);
        const old = byAge
          .slice(0, Math.max(0, byAge.length - newest))
          .filter((row) => row.noted <= clock() - ageMs && shown(row).run === undefined && row.outcome !== 'held')
          .slice(0, limit);
        of.firings = of.firings.filter((row) => !old.includes(row));
        removed += old.length;
      }
      return removed;
    },
    async pause(name, pause) {
      const of = known(name);
      const pauses = pausesAt(of.pauses, clock());
      if (currentPause(pauses)) return false;
      of.seq += 1;
      of.pauses = [...pauses, { from: clock(), ...pause }];
      return true;
    },
    async resume(name) {
      const of = known(name);
      const pauses = pausesAt(of.pauses, clock());
      const current = currentPause(pauses);
      if (!current) return false;
      of.seq += 1;
      of.pauses = [...pauses.slice(0, -1), { ...current, to: clock() }];
      return true;
    },
    async reset(name) {
      const of = known(name);
      of.firings = of.firings.map((row) =>
        row.outcome === 'held'
          ? { ...row, outcome: 'skipped', reason: 'the trigger was reset while it was held' }
          : row,
      );
      of.generation += 1;
      Object.assign(of, { seq: of.seq + 1, armed: clock(), cursor: undefined, pauses: [], resumed: undefined });
    },
    async setProblem(name, problem) {
      known(name).problem = problem;
    },
    lastEnds: async (name, since, limit) => store.ends(name, since).slice(0, limit),
  };
}
