import { pickRun } from '../../app/pick-run.ts';
import { withSite } from '../../app/sluice.ts';
import { openProject } from '../../app/wiring.ts';
import { rejected } from '../../lib/errors.ts';
import { saysEnded } from '../view/ended.ts';
import { exit, type Output } from '../view/output.ts';
import { driveToEnd } from './run.ts';

/** `sluice resume RUN`: takes over a run whose controller is gone, from where its history ends. */
export async function resume(output: Output, name: string): Promise<number> {
  return withSite(await openProject(), async (site, store) => {
    const { summary, state } = await pickRun(store, name);
    if (saysEnded(output, summary.run, state)) return exit.ok;
    const claimed = await site.takeOver(summary.run, (line) => output.line(line));
    if (claimed) return driveToEnd(site, claimed, store, output);
    throw rejected(`run ${summary.run} is owned by another active controller`, 'sluice show prints its progress');
  });
}
