import type { NewRun, RunStore, StoreOwner } from '../../controller/domain/ports/store.ts';
import type { NewFiring, TriggerName } from '../../controller/domain/ports/triggers.ts';

/** The prepared parts of the store's suite. */
export interface Ready {
  readonly store: () => RunStore;
  readonly as: (owner: StoreOwner) => Promise<RunStore>;
  readonly pass: (ms: number) => Promise<void>;
  readonly prefix: string;
}

/** Makes firings for the parts of the suite about triggers. */
export function firingsFor({ store, prefix }: Ready, part: string) {
  let next = 0;
  const pipeline = `${prefix}-${part}`;
  const named = (): TriggerName => {
    next += 1;
    return { pipeline, trigger: `t${next}` };
  };
  const start = (key: string): NewRun => {
    next += 1;
    return { run: `${pipeline}-${next}`, pipeline, at: 1, events: [{ type: 'cancel-requested', by: key }] };
  };
  /** A firing that starts a run; `joins` lets a waiting run take it along. */
  const firing = (key: string, { due = 5, joins = false, ...more }: Partial<NewFiring> & { joins?: boolean } = {}) => ({
    ...{ key, due, ...more },
    as: {
      start: start(key),
      ...(joins && { joins: { type: 'triggered' as const, cause: { kind: 'test', key } } }),
    },
  });
  const noted = (key: string, outcome: 'skipped' | 'missed' | 'held', reason = 'why') => ({
    ...{ key, due: 5, as: { outcome, reason } },
  });
  const enter = async (name: TriggerName, firings: readonly NewFiring[], cursor: unknown = null) =>
    store().fire(name, await store().trigger(name), firings, cursor);
  const eventsOf = async (run: string) => (await store().history(run)).map(({ event }) => event);
  const claim = async (run: string) => {
    await store().heartbeat(`${pipeline}-owner`, 600_000);
    const lease = await store().claim(run, `${pipeline}-owner`);
    if (!lease) throw new Error('no lease');
    return lease;
  };
  return { pipeline, named, firing, noted, enter, eventsOf, claim };
}
