import { resolve } from 'node:path';
import { takeRepairedRows } from '../../app/requests/replay.ts';
import { resolveRun } from '../../app/resolve-run.ts';
import { withSluice } from '../../app/sluice.ts';
import { adaptersOf, openPipeline, openProject, withStore } from '../../app/wiring.ts';
import { rejected } from '../../lib/errors.ts';
import { number, type Output } from '../view/output.ts';
import { pc } from '../view/style.ts';
import { runToCompletion } from './run.ts';

/** `sluice replay [RUN]`: applies the repaired rows of its quarantine, and runs its pipeline with them. */
export async function replay(
  output: Output,
  name: string | undefined,
  options: { source?: string; repaired?: string },
): Promise<number> {
  const here = await openProject();
  const { state } = await withStore(here, (store) => resolveRun(store, name));
  const { run, file, profiles = {} } = state;
  const hasRows = Object.values(profiles).some(({ quarantine }) => quarantine !== undefined);
  if (file === undefined || !hasRows)
    throw rejected(`run ${run} has no quarantined rows`, '`sluice show` lists quarantined rows');
  const { project, loaded } = await openPipeline(resolve(here.root, file));
  const repaired = {
    source: options.source,
    file: options.repaired,
    pipeline: loaded.pipeline.name,
    sayIt: (source: string) => `--source ${source}`,
  };
  await takeRepairedRows(adaptersOf(project), state, repaired, (source, rows, from) =>
    output.line(`${pc.bold('replay'.padEnd(10))} ${source}: ${number(rows)} repaired rows of ${from}`),
  );
  return withSluice(project, async (sluice, store) => {
    // All rows count as new, so that the run has work; topics are not read again for that.
    const again = { again: true as const, since: Date.now() };
    return runToCompletion(sluice, await sluice.startRun(loaded, { again }), store, output);
  });
}
