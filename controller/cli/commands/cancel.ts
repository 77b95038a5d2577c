import { resolveRun } from '../../app/resolve-run.ts';
import { withSluice } from '../../app/sluice.ts';
import { openProject } from '../../app/wiring.ts';
import { waitUntil } from '../../stack/process.ts';
import { reportIfFinished } from '../view/finished.ts';
import { exit, type Output } from '../view/output.ts';
import { cancelRemotely } from './api/remote.ts';
import { runToCompletion } from './run.ts';

/** How long the controller of the run has to end it; an expired lease is taken over long before. Milliseconds. */
const cancelTimeoutMs = 90_000;

/** `sluice cancel RUN`: sends a request to the controller of the run; cancels it here when it has none. */
export async function cancel(output: Output, name: string, { server }: { server?: string }): Promise<number> {
  if (server !== undefined) return cancelRemotely(output, server, name, cancelTimeoutMs);
  return withSluice(await openProject(), async (sluice, store) => {
    const { summary, number, state } = await resolveRun(store, name);
    const { run } = summary;
    if (reportIfFinished(output, run, state)) return exit.ok;
    await store.request(run, sluice.now(), { type: 'cancel-requested', by: 'sluice cancel' });
    const hasEnded = async (): Promise<boolean> => {
      const lease = await sluice.controller.claim(run);
      if (lease) await runToCompletion(sluice, { run, number, lease }, store, { ...output, document: () => undefined });
      return (await store.find(run))?.ended !== undefined;
    };
    const done = await waitUntil(hasEnded, cancelTimeoutMs, 500);
    const now = (await store.find(run))?.state;
    output.line(
      done ? `run ${run}: ${now}` : `the controller of ${run} has not acted yet; the cancellation is recorded`,
    );
    output.document({ run, state: done ? now : 'cancelling' });
    return done ? exit.ok : exit.failed;
  });
}
