import type { Firing, NewRun, TriggerName, TriggerStore } from '../../controller/domain/ports/store.ts';

export interface KnownTrigger {
  seq: number;
  armed: number;
  cursor: unknown;
  readonly firings: (Firing & { readonly run: string })[];
}

/** Triggers in memory, a part of the fake store. */
export function memoryTriggers(
  triggers: Map<string, KnownTrigger>,
  clock: () => number,
  project: string,
  store: { readonly create: (run: NewRun) => Promise<unknown>; readonly has: (run: string) => boolean },
): TriggerStore {
  const keyOf = ({ pipeline, trigger }: TriggerName): string => JSON.stringify([project, pipeline, trigger]);
  return {
    async trigger(name) {
      const known = triggers.get(keyOf(name)) ?? { seq: 0, armed: clock(), cursor: undefined, firings: [] };
      triggers.set(keyOf(name), known);
      const { seq, armed, cursor } = known;
      return { seq, armed, now: clock(), cursor: structuredClone(cursor) };
    },
    async fire(name, { seq }, firings, cursor) {
      const known = triggers.get(keyOf(name));
      if (known?.seq !== seq) return undefined;
      const fresh = firings.filter(
        ({ key }, i) =>
          !known.firings.some((each) => each.key === key) && firings.findIndex((each) => each.key === key) === i,
      );
      const names = fresh.map(({ start }) => start.run);
      const taken = names.find((run, i) => store.has(run) || names.indexOf(run) !== i);
      if (taken !== undefined) throw new Error(`there is a run ${taken} already`);
      known.seq += 1;
      known.cursor = structuredClone(cursor);
      for (const { key, due, start } of fresh) {
        known.firings.unshift({ key, due, run: start.run });
        await store.create(start);
      }
      return fresh.map(({ start }) => start.run);
    },
    firings: async (name, limit) =>
      (triggers.get(keyOf(name))?.firings ?? [])
        .slice(0, limit)
        .map(({ key, due, run }) => ({ key, due, run: store.has(run) ? run : undefined })),
  };
}
