import { pickRun } from '../../app/pick-run.ts';
import { withSite } from '../../app/sluice.ts';
import { openProject } from '../../app/wiring.ts';
import { until } from '../../stack/process.ts';
import { saysEnded } from '../view/ended.ts';
import { exit, type Output } from '../view/output.ts';
import { driveToEnd } from './run.ts';

/** How long the run's own controller has to end it; its lease, should it be gone, ends long before. */
const patience = 90_000;

/** `sluice cancel RUN`: asks the controller that drives the run; does it itself when there is none any more. */
export async function cancel(output: Output, name: string): Promise<number> {
  return withSite(await openProject(), async (site, store) => {
    const { summary, number, state } = await pickRun(store, name);
    const { run } = summary;
    if (saysEnded(output, run, state)) return exit.ok;
    await store.request(run, site.now(), { type: 'cancel-requested', by: 'sluice cancel' });
    const hasEnded = async (): Promise<boolean> => {
      const lease = await site.controller.claim(run);
      if (lease) await driveToEnd(site, { run, number, lease }, store, { ...output, document: () => undefined });
      return (await store.find(run))?.ended !== undefined;
    };
    const done = await until(hasEnded, patience, 500);
    const now = (await store.find(run))?.state;
    output.line(
      done ? `run ${run}: ${now}` : `the controller of ${run} has not acted yet; the cancellation is recorded`,
    );
    output.document({ run, state: done ? now : 'cancelling' });
    return done ? exit.ok : exit.failed;
  });
}
