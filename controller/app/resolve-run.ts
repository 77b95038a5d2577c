import type { Recorded } from '../domain/events.ts';
import type { RunStore, RunSummary } from '../domain/ports/store.ts';
import { apply, emptyState, fold, type RunState } from '../domain/state.ts';
import { rejected } from '../lib/errors.ts';

/** The run that a name, or the beginning of one, means; the last run when there is none. */
export async function resolveRun(
  store: RunStore,
  name: string | undefined,
): Promise<{ summary: RunSummary; number: number; state: RunState; history: readonly Recorded[] }> {
  const wanted = name ?? (await store.list({ limit: 1 }))[0]?.run;
  if (wanted === undefined)
    throw rejected('there are no runs yet', 'start one: sluice run conf/pipelines/customer-report.yaml');
  const found = await findRun(store, wanted);
  const history = await store.history(found.run);
  return { summary: found, number: found.number, state: fold(history), history };
}

/** The run of a name or of the beginning of one. Throws a rejected SluiceError when that is not exactly one. */
export async function findRun(store: RunStore, name: string): Promise<RunSummary> {
  const found = await store.find(name);
  if (!found) throw rejected(`there is no run ${name}, or the prefix is ambiguous`, '`sluice runs` lists them');
  return found;
}

/** Reads a history as it grows: at each call what is new in it, and the state that all of it amounts to. */
export function historyReader(
  store: RunStore,
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
