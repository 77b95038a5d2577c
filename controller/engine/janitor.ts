import { validAttempts } from '../domain/attempts.ts';
import type { Profiles } from '../domain/plan.ts';
import { type AttemptState, fold } from '../domain/state.ts';
import { SluiceError } from '../lib/errors.ts';
import { backendOf, type Ports } from './ports.ts';

/** Delay between the end of a run and its cleanup: late processes have stopped by then. Milliseconds. */
const graceMs = 60_000;
const runsAtATime = 20;

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
    const { pipeline, profiles = {}, ended, steps } = fold(await store.history(run));
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
      const last = pipeline ? topicFiles(await store.lastProfiles(pipeline.name), 'paths') : [];
      const published = ended?.state === 'succeeded' || ended?.state === 'degraded';
      await workspace.removeInputs(last, published ? topicFiles(profiles, 'replaces') : []);
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
