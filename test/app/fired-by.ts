import type { SchedulerReport } from '../../controller/app/triggers/scheduler.ts';
import { openScheduler } from '../../controller/app/triggers/service.ts';
import type { Project } from '../../controller/config/project.ts';
import type { RunStore } from '../../controller/domain/ports/store.ts';
import type { LoadedPipeline } from '../../controller/pipeline/loader.ts';
import { registry } from './outside.ts';

/** Looks once at the triggers of a pipeline. Returns the runs that it started. */
export async function firedBy(
  project: Project,
  store: RunStore,
  loaded: LoadedPipeline,
  failed: string[],
): Promise<string[]> {
  const started: string[] = [];
  const report: SchedulerReport = {
    entered: (_of, entered) =>
      started.push(...entered.flatMap(({ isNew, outcome, run }) => (isNew && outcome === 'started' && run ? run : []))),
    problem: ({ name }, reason) => failed.push(`${name}: ${reason}`),
    clockStepped: (byMs) => failed.push(`stepped ${byMs}`),
  };
  const scheduler = openScheduler(project, store, report, registry);
  await scheduler.tick([loaded]);
  await scheduler.idle();
  return started;
}
