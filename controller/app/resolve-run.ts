import type { Recorded } from '../domain/events.ts';
import type { Outbox } from '../domain/ports/outbox.ts';
import type { EventStore, RunIndex, RunSummary } from '../domain/ports/store.ts';
import { apply, emptyState, fold, type RunState } from '../domain/state.ts';
import { rejected } from '../lib/errors.ts';

/** What commands read of runs: of the store, or of a server. */
export type RunReader = Pick<RunIndex, 'list'> &
  Pick<EventStore, 'history'> &
  Pick<Outbox, 'messages'> & { find(run: string): Promise<RunSummary | undefined> };

/** The run with this name or prefix; the last run when no name is given. */
export async function resolveRun(
  store: Omit<RunReader, 'messages'>,
  name: string | undefined,
): Promise<{ summary: RunSummary; number: number; state: RunState; history: readonly Recorded[] }> {
  const wanted = name ?? (await store.list({ limit: 1 }))[0]?.run;
  if (wanted === undefined)
    throw rejected('there are no runs yet', 'start one: sluice run conf/pipelines/customer-report.yaml');
  const found = await findRun(store, wanted);
  const history = await store.history(found.run);
  return { summary: found, number: found.number, state: fold(history), history };
}

/** The run with this name or prefix. Throws a rejected SluiceError when there is none or the prefix is ambiguous. */
export async function findRun(store: Pick<RunReader, 'find'>, name: string): Promise<RunSummary> {
  const found = await store.find(name);
  if (!found) throw rejected(`there is no run ${name}, or the prefix is ambiguous`, '`sluice runs` lists them');
  return found;
}

/** Reads a growing history: each call returns the new events, and the state after all events. */
export function historyReader(
  store: Pick<RunReader, 'history'>,
  run: string,
): () => Promise<{ state: RunState; newRecords: readonly Recorded[] }> {
  const state = emptyState();
  let seq = 0;
  return async () => {
    const newRecords = await store.history(run, seq);
    for (const record of newRecords) apply(state, record);
    seq = newRecords.at(-1)?.seq ?? seq;
    return { state, newRecords };
  };
}
