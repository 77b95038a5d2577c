import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { resolveRun } from '../../app/resolve-run.ts';
import { withSluice } from '../../app/sluice.ts';
import { adaptersOf, openPipeline, openProject, repairsFolder, withStore } from '../../app/wiring.ts';
import { rejected } from '../../lib/errors.ts';
import { isFile } from '../../lib/uri.ts';
import { repairsOf, takeRepairs } from '../../snapshot/repairs.ts';
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
  const files = Object.entries(profiles).flatMap(([source, { quarantine }]) =>
    quarantine !== undefined && (options.source ?? source) === source ? [{ source, csv: quarantine }] : [],
  );
  const [only] = files;
  if (!only || file === undefined)
    throw rejected(
      `run ${run} has no quarantined rows${options.source === undefined ? '' : ` of ${options.source}`}`,
      '`sluice show` lists quarantined rows',
    );
  if (options.repaired !== undefined && files.length > 1)
    throw rejected(
      `${options.repaired}: the source of these rows is ambiguous`,
      `say so: --source ${files.map(({ source }) => source).join(', or --source ')}`,
    );
  const { project, loaded } = await openPipeline(resolve(here.root, file));
  let taken = 0;
  for (const { source, csv } of files) {
    const repaired = options.repaired ?? csv;
    if (!isFile(repaired))
      throw rejected(`${repaired} is not on this machine`, 'fetch it, repair its rows, and give it: --repaired FILE');
    if (!existsSync(repaired))
      throw rejected(`there is no file ${repaired}`, 'give the repaired rows: --repaired FILE');
    const repairs = repairsOf(repairsFolder(project, loaded.pipeline.name), source);
    const n = await takeRepairs(csv, repaired, repairs, adaptersOf(project).context);
    if (n > 0) output.line(`${pc.bold('replay'.padEnd(10))} ${source}: ${number(n)} repaired rows of ${repaired}`);
    taken += n;
  }
  if (taken === 0)
    throw rejected(
      'no repaired rows found',
      `correct the columns in ${files.map(({ csv }) => csv).join(', ')}, and run replay again`,
    );
  return withSluice(project, async (sluice, store) => {
    // All rows count as new, so that the run has work; topics are not read again for that.
    const again = { again: true as const, since: Date.now() };
    return runToCompletion(sluice, await sluice.startRun(loaded, { again }), store, output);
  });
}
