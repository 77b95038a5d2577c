import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { engineFacts } from '../../app/engine-facts.ts';
import { measureSources } from '../../app/plan.ts';
import { seal } from '../../app/plan-seal.ts';
import { expectedSteps, pastAttemptsOf } from '../../app/views/expected.ts';
import { adaptersOf, backendsOf, openPipeline, withStore } from '../../app/wiring.ts';
import type { Pipeline } from '../../domain/pipeline.ts';
import type { Profiles } from '../../domain/plan.ts';
import { planned } from '../../engine/measuring.ts';
import { unwritable } from '../../lib/errors.ts';
import { planned as plannedProfiles, type SavedPlan } from '../../planning/saved.ts';
import { measuredPrinter } from '../view/events.ts';
import { exit, type Output } from '../view/output.ts';
import { planText } from '../view/plan-text.ts';

/** `sluice plan FILE`: measures and plans like a run, and submits nothing. */
export async function plan(
  output: Output,
  file: string,
  options: { fullRefresh?: boolean; out?: string },
): Promise<number> {
  const { project, loaded } = await openPipeline(file);
  const { pipeline } = loaded;
  const {
    profiles: last,
    before,
    past,
  } = await withStore(project, async (store) => ({
    profiles: await store.lastProfiles(pipeline.name),
    before: await store.lastPlanned(pipeline.name),
    past: await pastAttemptsOf(store, pipeline.name),
  }));
  const refresh = options.fullRefresh ? { again: true } : {};
  const adapters = adaptersOf(project);
  const folder = join(adapters.context.scratch, `plan-${randomBytes(4).toString('hex')}`);
  try {
    const checked = await measureSources(
      adapters,
      pipeline,
      { profiles: last, ...refresh },
      folder,
      measuredPrinter(output),
    );
    const at = Date.now();
    const { backend } = await backendsOf(project);
    const engines = (of: Pipeline, measured: Profiles) =>
      withStore(project, (store) => engineFacts(adapters, store, of, measured));
    const made = await planned({ backend, engines, now: Date.now, sleep: (ms) => sleep(ms) }, pipeline, checked, at);
    const profiles = plannedProfiles(checked.profiles);
    const expected = expectedSteps(past, pipeline, profiles);
    for (const line of planText(pipeline, { ...checked, profiles }, made, before, expected)) output.line(line);
    if (options.out !== undefined) {
      const { findings } = checked;
      const saved: SavedPlan = { sluice: 'plan/1', file: loaded.file, at, pipeline, profiles, findings, plan: made };
      await writeFile(options.out, JSON.stringify(await seal(project, saved), null, 2)).catch((error: unknown) => {
        throw unwritable(options.out as string, error);
      });
      output.line(`Saved. Apply it with: sluice run ${file} --plan ${options.out}`);
    }
    output.document({
      file: loaded.file,
      pipeline: pipeline.name,
      sources: profiles,
      findings: checked.findings,
      ...made,
      expected,
      last: before
        ? { run: before.run, state: before.ended === undefined ? null : before.state, plan: before.plan }
        : null,
    });
    return exit.ok;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
