import { heldAtReset, isChanged, startedRun } from '../../controller/adapters/store/ledger.ts';
import type { RunEvent } from '../../controller/domain/events.ts';
import {
  currentPause,
  lastResumed,
  type Pause,
  pausesAt,
  withoutPause,
  withPause,
} from '../../controller/domain/pauses.ts';
import type { NewRun } from '../../controller/domain/ports/store.ts';
import type {
  Entered,
  FiringRecord,
  NewFiring,
  TriggerName,
  TriggerState,
  TriggerStore,
} from '../../controller/domain/ports/triggers.ts';
import { type Count, countsOfFirings } from '../../controller/domain/totals.ts';
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
  /** In the order of their numbers. */
  readonly firings: FiringRecord[];
  /** Where the firing of a key is, by generation and key. */
  readonly places: Map<string, number>;
}

/** What the fake store gives to its ledger. */
interface Within {
  readonly create: (run: NewRun) => Promise<unknown>;
  readonly request: (run: string, at: number, event: RunEvent) => Promise<unknown>;
  readonly has: (run: string) => boolean;
  readonly count: (pipeline: string, counts: readonly Count[]) => void;
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
  const keyOf = ({ pipeline, trigger }: TriggerName): string => `${project}\0${pipeline}\0${trigger}`;
  const known = (name: TriggerName): KnownTrigger => {
    const { pipeline, trigger } = name;
    const fresh = { seq: 0, generation: 1, armed: clock(), cursor: undefined, pauses: [] };
    const made = { project, pipeline, trigger, ...fresh, resumed: undefined, problem: undefined };
    const ledger = { firings: [], places: new Map() };
    const found = triggers.get(keyOf(name)) ?? { ...made, ...ledger };
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
  const placeOf = ({ generation, places }: KnownTrigger, key: string): number | undefined =>
    places.get(`${generation} ${key}`);

  const change = (of: KnownTrigger, pauses: readonly Pause[] | undefined): boolean => {
    if (!pauses) return false;
    of.seq += 1;
    of.pauses = pauses;
    return true;
  };

  /** Enters a firing at once; the calls of the store are added to `calls`. */
  function enter(of: KnownTrigger, firing: NewFiring, calls: unknown[]): Entered {
    const { key, due, until, count = 1, payload, as, replaces = [] } = firing;
    const place = placeOf(of, key);
    const before = place === undefined ? undefined : of.firings[place];
    if (before && !replaces.includes(before.outcome)) {
      const { outcome, reason, run } = shown(before);
      return { key, isNew: false, outcome, reason, run };
    }
    const entered = 'start' in as ? startedRun(as, store.waiting(of)) : { ...as, run: undefined };
    if ('start' in as && entered.outcome === 'started') calls.push(store.create({ ...as.start, trigger: of.trigger }));
    if ('start' in as && entered.outcome === 'joined' && as.joins)
      calls.push(store.request(entered.run as string, as.start.at, as.joins));
    numbers += 1;
    const { pipeline, trigger, generation } = of;
    const kept = before ?? { number: numbers, pipeline, trigger, generation, key, due, until, count };
    of.places.set(`${generation} ${key}`, place ?? of.firings.length);
    const row = { ...kept, payload: structuredClone(payload ?? before?.payload), noted: clock(), ...entered };
    of.firings[place ?? of.firings.length] = row;
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
          const last = each.firings.at(-1);
          const { cursor } = (each.cursor ?? {}) as { cursor?: { horizon?: number } };
          return { pipeline, trigger, ...stateOf(each), horizon: cursor?.horizon, last: last && shown(last) };
        })
        .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
    async fire(name, seen, firings, cursor, isPartial = false) {
      const of = triggers.get(keyOf(name));
      if (!of || isChanged({ ...of, waiting: store.waiting(of).length }, seen, firings)) return undefined;
      const starts = firings.flatMap(({ as, key }) =>
        'start' in as && placeOf(of, key) === undefined ? [as.start.run] : [],
      );
      const taken = starts.find((run, i) => store.has(run) || starts.indexOf(run) !== i);
      if (taken !== undefined) throw new Error(`there is a run ${taken} already`);
      if (seen.seq !== undefined) {
        const pauses = pausesAt(of.pauses, clock());
        const current = currentPause(pauses);
        Object.assign(of, {
          seq: of.seq + 1,
          cursor: structuredClone(cursor),
          pauses: isPartial ? pauses : current ? [current] : [],
          resumed: lastResumed(pauses, of.resumed),
        });
      }
      const calls: unknown[] = [];
      const entered = firings.map((firing) => enter(of, firing, calls));
      store.count(name.pipeline, countsOfFirings(name.trigger, firings, entered));
      await Promise.all(calls);
      return entered;
    },
    firings: async ({ pipelines, pipeline, trigger, outcome, run, key, at, since, until, before, limit }) =>
      [...triggers.values()]
        .filter((each) => each.project === project)
        .filter((each) => pipelines?.some((glob) => matchesGlob(glob, each.pipeline)) ?? true)
        .filter((each) => (pipeline ?? each.pipeline) === each.pipeline && (trigger ?? each.trigger) === each.trigger)
        .flatMap((each) => each.firings)
        .filter((each) => (outcome ?? each.outcome) === each.outcome && (run === undefined || run === each.run))
        .filter((each) => key === undefined || each.key === key || each.key.startsWith(`${key} again-`))
        .filter((each) => since === undefined || (each.until ?? each.due) >= since)
        .filter(({ due }) => until === undefined || due < until)
        .filter(({ due, until: last = due }) => at === undefined || (due <= at && at <= last))
        .filter(({ number }) => before === undefined || number < before)
        .sort((a, b) => b.number - a.number)
        .slice(0, limit)
        .map(shown),
    async removeFirings(ageMs, newest, limit) {
      let removed = 0;
      for (const of of [...triggers.values()].filter((each) => each.project === project)) {
        const old = of.firings
          .slice(0, Math.max(0, of.firings.length - newest))
          .filter((row) => row.noted <= clock() - ageMs && shown(row).run === undefined && row.outcome !== 'held')
          .slice(0, limit);
        const kept = of.firings.filter((row) => !old.includes(row));
        of.firings.splice(0, of.firings.length, ...kept);
        of.places.clear();
        for (const [i, row] of kept.entries()) of.places.set(`${row.generation} ${row.key}`, i);
        removed += old.length;
      }
      return removed;
    },
    async pause(name, pause) {
      const of = known(name);
      return change(of, withPause(pausesAt(of.pauses, clock()), pause, clock()));
    },
    async resume(name) {
      const of = known(name);
      return change(of, withoutPause(pausesAt(of.pauses, clock()), clock()));
    },
    async reset(name) {
      const of = known(name);
      for (const [i, row] of of.firings.entries())
        if (row.outcome === 'held') of.firings[i] = { ...row, outcome: 'skipped', reason: heldAtReset };
      of.generation += 1;
      Object.assign(of, { seq: of.seq + 1, armed: clock(), cursor: undefined, pauses: [] });
      Object.assign(of, { resumed: undefined, problem: undefined });
    },
    async setProblem(name, problem) {
      known(name).problem = problem;
    },
    lastEnds: async (name, since, limit) => store.ends(name, since).slice(0, limit),
  };
}
