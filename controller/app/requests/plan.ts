import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Registry } from '../../adapters/drivers.ts';
import type { Project } from '../../config/project.ts';
import type { Pipeline } from '../../domain/pipeline.ts';
import type { Plan, Profiles } from '../../domain/plan.ts';
import type { PlannedRun, RunStore } from '../../domain/ports/store.ts';
import type { CheckedProfiles } from '../../domain/profile.ts';
import { planned } from '../../engine/measuring.ts';
import { readPast } from '../../engine/read-past.ts';
import type { LoadedPipeline } from '../../pipeline/loader.ts';
import type { ExpectedStep } from '../../planning/expected.ts';
import { planned as plannedProfiles } from '../../planning/saved.ts';
import { engineFacts } from '../engine-facts.ts';
import { measureSources } from '../plans/plan.ts';
import { builtIn } from '../registry.ts';
import { expectedSteps, pastAttemptsOf } from '../views/expected.ts';
import { adaptersOf, backendsOf } from '../wiring.ts';

/** A plan, and what it is made of. */
export interface MadePlan {
  readonly at: number;
  /** The measures, with what a plan keeps of the profiles. */
  readonly checked: CheckedProfiles;
  readonly plan: Plan;
  readonly expected: Record<string, ExpectedStep>;
  /** The last planned run of the pipeline. */
  readonly before: PlannedRun | undefined;
}

/** Opens the store for some work. A plan opens it for each part, because measuring takes long. */
type WithStore = <T>(work: (store: RunStore) => Promise<T>) => Promise<T>;

/** Measures the sources of a pipeline and plans as a run would; submits nothing, and leaves nothing behind. */
export async function makePlan(
  project: Project,
  { pipeline }: LoadedPipeline,
  withStore: WithStore,
  options: {
    readonly isFullRefresh: boolean;
    readonly onMeasured: Parameters<typeof measureSources>[4];
    readonly registry?: Registry;
  },
): Promise<MadePlan> {
  const { registry = builtIn, onMeasured } = options;
  const { last, before, attempts, compared } = await withStore(async (store) => ({
    last: await store.lastProfiles(pipeline.name),
    before: await store.lastPlanned(pipeline.name),
    attempts: await pastAttemptsOf(store, pipeline.name),
    compared: await readPast(store, pipeline, options),
  }));
  const refresh = options.isFullRefresh ? { again: true } : {};
  const adapters = adaptersOf(project, registry);
  const folder = join(adapters.context.scratch, `plan-${randomBytes(4).toString('hex')}`);
  try {
    const measured = await measureSources(adapters, pipeline, { profiles: last, ...refresh }, folder, onMeasured);
    const checked = { ...measured, ...compared };
    const at = Date.now();
    const { backend } = await backendsOf(project, registry);
    const engines = (of: Pipeline, measured: Profiles) =>
      withStore((store) => engineFacts(adapters, store, of, measured));
    const plan = await planned({ backend, engines, now: Date.now, sleep: (ms) => sleep(ms) }, pipeline, checked, at);
    const profiles = plannedProfiles(checked.profiles);
    const expected = expectedSteps(attempts, pipeline, profiles);
    return { at, checked: { ...checked, profiles }, plan, expected, before };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The document of `sluice plan --json`. */
export const planDocument = ({ file, pipeline }: LoadedPipeline, { checked, plan, expected, before }: MadePlan) => ({
  file,
  pipeline: pipeline.name,
  sources: checked.profiles,
  findings: checked.findings,
  ...plan,
  expected,
  last: before ? { run: before.run, state: before.ended === undefined ? null : before.state, plan: before.plan } : null,
});
