import { watchedPipelines } from '../../../app/pipelines/watched.ts';
import { builtIn } from '../../../app/registry.ts';
import { type TriggerOperations, triggerOperations } from '../../../app/triggers/operations.ts';
import { adaptersOf, openProject, withStore } from '../../../app/wiring.ts';
import { serverAt } from '../../../server/client/reader.ts';
import { remoteTriggers } from '../../../server/client/triggers.ts';

/** Works with the triggers of a server, or without one with those of this project. */
export async function withTriggers<T>(
  server: string | undefined,
  work: (triggers: TriggerOperations) => Promise<T>,
): Promise<T> {
  if (server !== undefined) return work(remoteTriggers(serverAt(server)));
  const project = await openProject();
  return withStore(project, (store) => {
    const { context } = adaptersOf(project);
    const operations = triggerOperations(store, watchedPipelines(project, builtIn, store), {
      ...context,
      sourceKinds: builtIn.sources,
    });
    return work(operations);
  });
}

/** A time for people: to the second, in UTC. */
export const shownTime = (time: string | null): string =>
  time === null ? '' : `${time.slice(0, 19).replace('T', ' ')}Z`;
