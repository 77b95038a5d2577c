import type { Profiles } from '../domain/plan.ts';
import { fold, type RunState } from '../domain/state.ts';
import { type AttemptState, validAttempts } from '../domain/step-state.ts';
import { SluiceError } from '../lib/errors.ts';
import { keepsInputs } from '../planning/reuse.ts';
import { backendOf, type Ports } from './ports.ts';
import { laterThan } from './reuse.ts';

/** Delay between the end of a run and its cleanup: late processes have stopped by then. Milliseconds. */
const graceMs = 60_000;
const runsAtATime = 20;
/** Among so many unfinished runs before a run is the one that has kept its inputs. */
const looked = 200;

type CleanupDeps = Pick<Ports, 'store' | 'backend' | 'embedded' | 'publisher'> & {
  readonly workspaceOf: (run: string) => Ports['workspace'];
};

/**
 * Removes what the attempts of ended runs left behind: applications whose end was not confirmed, and unpublished staged
 * output. What is unavailable now stays pending. Returns the cleaned-up runs.
 */
export async function cleanUp({ workspaceOf, ...ports }: CleanupDeps): Promise<string[]> {
  const { store, publisher } = ports;
  const clean: string[] = [];
  for (const run of await store.pendingCleanup(graceMs, runsAtATime)) {
    const state = fold(await store.history(run));
    const { pipeline, steps } = state;
    const workspace = workspaceOf(run);
    try {
      for (const step of Object.values(steps)) {
        // Staged output of an attempt whose inputs were lost afterwards was not published, however the attempt ended.
        const published = step.outputs && validAttempts(step).find((attempt) => attempt.ended?.state === 'succeeded');
        for (const attempt of step.attempts) {
          const { key } = attempt;
          const backend = backendOf(ports, attempt);
          if (attempt.settings && isDoubtful(attempt)) await backend.cancel({ key, id: '' });
          await backend.forget?.({ key, id: '' });
          if (!attempt.settings || !pipeline || attempt === published) continue;
          for (const staged of workspace.staged(pipeline, step.name, attempt)) await publisher.discard(staged);
        }
      }
      await removeInputs({ store, workspaceOf }, run, state);
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      // What needs a manual fix is not retried forever.
      if (error.kind !== 'rejected') continue;
    }
    await store.cleanedUp(run);
    clean.push(run);
  }
  return clean;
}

/**
 * Removes the snapshots of an ended run, unless a retry may use them; and those of the run before it, which one could
 * have used until now.
 */
async function removeInputs(
  { store, workspaceOf }: Pick<CleanupDeps, 'store' | 'workspaceOf'>,
  run: string,
  state: RunState,
): Promise<void> {
  const { pipeline, profiles = {}, ended, plan } = state;
  const found = await store.find(run);
  const last = pipeline ? topicFiles(await store.lastProfiles(pipeline.name), 'paths') : [];
  if (found && plan && ended?.state !== 'skipped') {
    const unfinished = await store.list({
      ...{ pipeline: found.pipeline, states: ['failed', 'cancelled'], before: found.number, limit: looked },
    });
    const before = unfinished.find(({ quality }) => quality !== undefined);
    if (before) await workspaceOf(before.run).removeInputs(last, []);
  }
  if (found && keepsInputs(state, await laterThan(store, found))) return;
  const published = ended?.state === 'succeeded' || ended?.state === 'degraded';
  await workspaceOf(run).removeInputs(last, published ? topicFiles(profiles, 'replaces') : []);
}

/**
 * Removes runs that ended more than `ageMs` ago with all their files, except those that the last published run of their
 * pipeline reads. Returns their names.
 */
export async function removeExpiredRuns(
  { store, workspaceOf }: Pick<CleanupDeps, 'store' | 'workspaceOf'>,
  ageMs: number,
): Promise<string[]> {
  const expired = await store.beyondRetention(ageMs, runsAtATime);
  for (const { run, pipeline } of expired) {
    await workspaceOf(run).remove(topicFiles(await store.lastProfiles(pipeline), 'paths'));
    await store.remove(run);
  }
  return expired.map(({ run }) => run);
}

/** The files by which runs hand over what they have read of topics. */
const topicFiles = (profiles: Profiles, which: 'paths' | 'replaces'): readonly string[] =>
  Object.values(profiles).flatMap(({ pin }) => pin.log?.[which] ?? []);

const isDoubtful = ({ ended, failure }: AttemptState): boolean =>
  !ended || failure?.kind === 'lost' || failure?.kind === 'gateway-unavailable';
