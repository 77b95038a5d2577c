import { readFile } from 'node:fs/promises';
import type { Project } from '../../config/project.ts';
import type { Given } from '../../domain/events.ts';
import type { Pipeline } from '../../domain/pipeline.ts';
import type { Uri } from '../../domain/ports/storage.ts';
import type { CheckedProfiles } from '../../domain/profile.ts';
import { type PreviousRun, profileSources } from '../../engine/profile-sources.ts';
import { reasonOf, rejected } from '../../lib/errors.ts';
import { changesSince, isSavedPlan, type SavedPlan } from '../../planning/saved.ts';
import { checkRows } from '../../snapshot/row-checks.ts';
import { sourceReaderOf } from '../adapters.ts';
import { type Adapters, rowCheckOptionsOf, snapshotsIn } from '../wiring.ts';
import { isOwn } from './plan-seal.ts';

type OnProfiled = Parameters<typeof profileSources>[3];

/**
 * Measures the sources of a pipeline as a run does, with snapshots in `folder`; `onProfiled` is called for each source.
 */
export async function measureSources(
  { context, registry }: Adapters,
  pipeline: Pipeline,
  last: PreviousRun,
  folder: Uri,
  onProfiled: OnProfiled,
): Promise<CheckedProfiles> {
  const reader = sourceReaderOf(registry, { ...context, snapshots: snapshotsIn(context, folder) });
  try {
    const measured = await profileSources(reader, pipeline, last, onProfiled);
    return await checkRows(pipeline, measured, rowCheckOptionsOf(context, pipeline, folder));
  } finally {
    await reader.close();
  }
}

/** A plan that `sluice plan --out` wrote in this project. Throws a rejected SluiceError for any other file. */
export async function readPlan(project: Project, file: string): Promise<SavedPlan> {
  let document: unknown;
  try {
    document = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw rejected(`the plan ${file} cannot be read: ${reasonOf(error)}`, 'make one: sluice plan FILE --out PLAN');
  }
  if (!isSavedPlan(document))
    throw rejected(`${file} is not a Sluice plan file`, 'make one: sluice plan FILE --out PLAN');
  if (!(await isOwn(project, document)))
    throw rejected(
      `${file} was changed since it was saved, or saved by another project`,
      'make a new plan, and look at it: sluice plan FILE --out PLAN',
    );
  return document;
}

/**
 * Applies a saved plan: returns what the run starts with. Throws a rejected SluiceError when the pipeline or its inputs
 * have changed since.
 */
export async function applyPlan(
  adapters: Adapters,
  pipeline: Pipeline,
  saved: SavedPlan,
  folder: Uri,
  onProfiled: OnProfiled,
): Promise<Given> {
  const hint = 'make a new plan, and look at it: sluice plan FILE --out PLAN';
  if (JSON.stringify(pipeline) !== JSON.stringify(saved.pipeline))
    throw rejected(`${saved.file} has changed since the plan was made`, hint);
  const now = await measureSources(adapters, pipeline, { profiles: saved.profiles }, folder, onProfiled);
  const changes = changesSince(saved, now);
  if (changes.length > 0)
    throw rejected(`the inputs have changed since the plan was made\n  ${changes.join('\n  ')}`, hint);
  if (Object.values(now.profiles).some(({ pin }) => !pin.kept))
    throw rejected('a source is too large for a snapshot, which a saved plan needs', hint);
  const profiles = Object.fromEntries(
    Object.entries(now.profiles).map(([name, { last: _, ...profile }]) => {
      const was = saved.profiles[name];
      return [name, { ...profile, ...(was && { measures: was.measures }), ...(was?.last && { last: was.last }) }];
    }),
  );
  const { plan, past } = saved;
  return { profiles, findings: now.findings, ...(past && { past }), plan };
}
