import { rejected } from '../errors.ts';
import type { Recorded } from '../run/events.ts';
import { apply, emptyState, fold, type RunState } from '../run/state.ts';
import type { RunStore, RunSummary } from '../store/port.ts';
import type { Output } from './output.ts';

/** The run that a name, or the beginning of one, means; the last run when there is none. */
export async function pickRun(
  store: RunStore,
  name: string | undefined,
): Promise<{ summary: RunSummary; number: number; state: RunState; history: readonly Recorded[] }> {
  const wanted = name ?? (await store.list({ limit: 1 }))[0]?.run;
  if (wanted === undefined)
    throw rejected('there is no run yet', 'start one: sluice run conf/pipelines/customer-report.yaml');
  const found = await store.find(wanted);
  if (!found) throw rejected(`there is no run ${wanted}, or more than one that begins so`, '`sluice runs` lists them');
  const history = await store.history(found.run);
  return { summary: found, number: found.number, state: fold(history), history };
}

/** Reads a history as it grows: at each call what is new in it, and the state that all of it amounts to. */
export function growing(store: RunStore, run: string): () => Promise<{ state: RunState; fresh: readonly Recorded[] }> {
  const state = emptyState();
  let seq = 0;
  return async () => {
    const fresh = await store.history(run, seq);
    for (const record of fresh) apply(state, record);
    seq = fresh.at(-1)?.seq ?? seq;
    return { state, fresh };
  };
}

/** Says so, and returns true, when a run that was to be acted on has ended already. */
export function saysEnded(output: Output, run: string, { ended }: RunState): boolean {
  if (!ended) return false;
  output.line(`run ${run} has ended already: ${ended.state}`);
  output.document({ run, state: ended.state });
  return true;
}
