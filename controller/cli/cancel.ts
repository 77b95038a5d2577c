import { until } from '../stack/process.ts';
import { narrator } from './narrate.ts';
import { exit, type Output } from './output.ts';
import { pickRun, saysEnded } from './pick-run.ts';
import { driveToEnd } from './run.ts';
import { takeOver } from './session.ts';
import { openProject, withStore } from './wiring.ts';

/** How long the run's own controller has to end it; its lease, should it be gone, ends long before. */
const patience = 90_000;

/** `sluice cancel RUN`: asks the controller that drives the run; does it itself when there is none any more. */
export async function cancel(output: Output, name: string): Promise<number> {
  const project = await openProject();
  return withStore(project, async (store) => {
    const { summary, number, state } = await pickRun(store, name);
    const { run } = summary;
    if (saysEnded(output, run, state)) return exit.ok;
    await store.append(run, undefined, Date.now(), { events: [{ type: 'cancel-requested', by: 'sluice cancel' }] });
    const hasEnded = async (): Promise<boolean> => {
      const session = await takeOver(project, store, run, number, narrator(output));
      if (session) await driveToEnd(session, store, { ...output, document: () => undefined });
      return (await store.find(run))?.ended !== undefined;
    };
    const done = await until(hasEnded, patience, 500);
    const now = (await store.find(run))?.state;
    output.line(done ? `run ${run}: ${now}` : `the controller of ${run} has not acted yet; the request stands`);
    output.document({ run, state: done ? now : 'cancelling' });
    return done ? exit.ok : exit.failed;
  });
}
