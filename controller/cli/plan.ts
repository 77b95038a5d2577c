import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makePlan } from '../decide/plan.ts';
import { profileAll } from '../profile/all.ts';
import { probeOf } from '../profile/probes.ts';
import { review } from '../profile/review.ts';
import { measuredLine } from './narrate.ts';
import { exit, type Output } from './output.ts';
import { clusterOf, openPipeline, reviewOf, scratchOf, withStore } from './wiring.ts';

/** `sluice plan FILE`: measures and decides as a run would, and submits nothing. */
export async function plan(output: Output, file: string, options: { fullRefresh?: boolean }): Promise<number> {
  const { project, loaded } = await openPipeline(file);
  const { pipeline } = loaded;
  const last = await withStore(project, (store) => store.lastProfiles(pipeline.name));
  const how = options.fullRefresh ? { again: true } : {};
  const folder = join(scratchOf(project), `plan-${randomBytes(4).toString('hex')}`);
  const where = reviewOf(project, pipeline, folder);
  const probe = probeOf(project, scratchOf(project), where.keeping.folder);
  try {
    const measured = await profileAll(probe, pipeline, { profiles: last, ...how }, (name, profile, ms) =>
      output.line(measuredLine(name, profile, ms)),
    );
    const reviewed = await review(pipeline, measured, where);
    const made = makePlan(pipeline, reviewed, await clusterOf(project), Date.now());
    output.document({ file: loaded.file, pipeline: pipeline.name, sources: reviewed.profiles, ...made });
    return exit.ok;
  } finally {
    await probe.close();
    await rm(folder, { recursive: true, force: true });
  }
}
