import { rejected } from '../errors.ts';
import { narrator } from './narrate.ts';
import { exit, type Output } from './output.ts';
import { pickRun, saysEnded } from './pick-run.ts';
import { driveToEnd } from './run.ts';
import { takeOver } from './session.ts';
import { openProject, withStore } from './wiring.ts';

/** `sluice resume RUN`: takes over a run whose controller is gone, from where its history ends. */
export async function resume(output: Output, name: string): Promise<number> {
  const project = await openProject();
  return withStore(project, async (store) => {
    const { summary, number, state } = await pickRun(store, name);
    if (saysEnded(output, summary.run, state)) return exit.ok;
    const session = await takeOver(project, store, summary.run, number, narrator(output));
    if (session) return driveToEnd(session, store, output);
    throw rejected(
      `run ${summary.run} is driven by another controller`,
      'should that be gone, its lease ends within 10 s',
    );
  });
}
