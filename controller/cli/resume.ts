import { rejected } from '../errors.ts';
import { exit, type Output } from './output.ts';
import { pickRun, saysEnded } from './pick-run.ts';
import { driveToEnd } from './run.ts';
import { withSite } from './site.ts';
import { openProject } from './wiring.ts';

/** `sluice resume RUN`: takes over a run whose controller is gone, from where its history ends. */
export async function resume(output: Output, name: string): Promise<number> {
  return withSite(await openProject(), async (site, store) => {
    const { summary, state } = await pickRun(store, name);
    if (saysEnded(output, summary.run, state)) return exit.ok;
    const claimed = await site.takeOver(summary.run, (line) => output.line(line));
    if (claimed) return driveToEnd(site, claimed, store, output);
    throw rejected(
      `run ${summary.run} is driven by another controller, which lives`,
      'sluice show tells how far it is',
    );
  });
}
