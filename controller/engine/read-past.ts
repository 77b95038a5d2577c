import type { Pipeline } from '../domain/pipeline.ts';
import type { PastIndex } from '../domain/ports/past-index.ts';
import type { CheckedProfiles } from '../domain/profile.ts';
import { comparedRuns } from '../planning/normal.ts';
import { comparedIn, isOfNewRows, pastOf } from '../planning/past.ts';

/** What the checks of a pipeline compare with: measures of earlier runs, without those of the run itself. */
export async function readPast(
  store: PastIndex,
  pipeline: Pipeline,
  { run, isFullRefresh }: { readonly run?: string | undefined; readonly isFullRefresh: boolean },
): Promise<Pick<CheckedProfiles, 'past'>> {
  const paths = comparedIn(pipeline).filter((path) => !(isFullRefresh && isOfNewRows(path)));
  if (paths.length === 0) return {};
  return { past: pastOf(paths, await store.lastMeasures(pipeline.name, comparedRuns), run) };
}
