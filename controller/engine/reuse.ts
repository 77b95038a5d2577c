import type { Retried, ReusedInputs } from '../domain/events.ts';
import type { Pipeline } from '../domain/pipeline.ts';
import type { RunStore, RunSummary } from '../domain/ports/store.ts';
import { fold } from '../domain/state.ts';
import { rejected } from '../lib/errors.ts';
import { type Reusable, reusable } from '../planning/reuse.ts';
import type { Journal } from './journal.ts';
import type { Ports } from './ports.ts';

/** More later runs than this are not looked at: one of them has not been skipped, most likely. */
const looked = 100;

/** What a retry takes over, if it can. */
interface Reused {
  readonly inputs: ReusedInputs;
  readonly found?: Reusable;
}

/**
 * What a run takes over from the one that it repeats; undefined when it repeats none. Throws a rejected SluiceError when
 * nothing can be taken over, and the run was to begin from a step.
 */
export async function reuse(
  journal: Journal,
  { workspace }: Pick<Ports, 'workspace'>,
  pipeline: Pipeline,
): Promise<Reused | undefined> {
  const { retries, run: by = '' } = journal.state;
  if (!retries || retries.fresh) return undefined;
  const { run: of, fromStep } = retries;
  const found = await journal.query((store) => reusableOf(store, pipeline, retries, by));
  const profiles = typeof found === 'string' ? undefined : await workspace.adoptInputs(of, found.profiles);
  if (typeof found === 'object' && profiles) return { inputs: { of }, found: { ...found, profiles } };
  const gone = typeof found === 'string' ? found : `the snapshots of run ${of} are gone`;
  if (fromStep !== undefined)
    throw rejected(
      `a retry cannot begin from step ${fromStep}: ${gone}`,
      `repeat it from the beginning: sluice retry ${of}`,
    );
  return { inputs: { of, gone } };
}

/** What a retry can take over from a run, by the store alone, or why it cannot. */
async function reusableOf(
  store: Pick<RunStore, 'history' | 'list' | 'find'>,
  pipeline: Pipeline,
  { run, fromStep }: Retried,
  by: string,
): Promise<Reusable | string> {
  const [earlier, own] = [await store.find(run), await store.find(by)];
  if (!earlier) return `run ${run} was removed`;
  const state = fold(await store.history(earlier.run));
  return reusable(state, pipeline, await laterThan(store, earlier, own), fromStep);
}

/** Runs of the pipeline that are newer than one, without those that wait behind its retry. The newest first. */
export async function laterThan(
  store: Pick<RunStore, 'list'>,
  { number, pipeline }: Pick<RunSummary, 'number' | 'pipeline'>,
  retry?: Pick<RunSummary, 'number' | 'run'>,
): Promise<readonly RunSummary[]> {
  const runs = await store.list({ pipeline, limit: looked });
  return runs.filter(
    (each) =>
      each.number > number &&
      each.run !== retry?.run &&
      !(each.state === 'pending' && retry && each.number > retry.number),
  );
}
