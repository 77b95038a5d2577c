import { until } from '../stack/process.ts';
import { narrator } from './narrate.ts';
import { exit, type Output } from './output.ts';
import { pickRun } from './pick-run.ts';
import { driveToEnd } from './run.ts';
import { openProject, openStore, takeOver } from './wiring.ts';

/** How long the run's own controller has to act on the request, after its lease would have ended. */
const patience = 90_000;

/** `sluice cancel RUN`: asks the controller that drives the run; does it itself when there is none any more. */
export async function cancel(output: Output, name: string): Promise<number> {
  const project = await openProject();
  const store = await openStore(project);
  try {
    const { summary, number, state } = await pickRun(store, name);
    if (state.ended) {
      output.line(`run ${summary.run} has ended already: ${state.ended.state}`);
      output.document({ run: summary.run, state: state.ended.state });
      return exit.ok;
    }
    await store.append(summary.run, undefined, Date.now(), {
      events: [{ type: 'cancel-requested', by: 'sluice cancel' }],
    });
    let ended: string | undefined;
    const done = await until(
      async () => {
        const found = await store.find(summary.run);
        if (found?.ended !== undefined) ended = found.state;
        if (ended !== undefined) return true;
        const session = await takeOver(project, await openStore(project), summary.run, number, narrator(output));
        if (!session) return false;
        await driveToEnd(session, { ...output, document: () => undefined });
        return false;
      },
      patience,
      500,
    );
    output.line(
      done ? `run ${summary.run}: ${ended}` : `the controller of ${summary.run} has not acted yet; the request stands`,
    );
    output.document({ run: summary.run, state: ended ?? 'cancelling' });
    return done ? exit.ok : exit.failed;
  } finally {
    await store.close();
  }
}
