import { resolveRun } from '../../app/resolve-run.ts';
import { withSluice } from '../../app/sluice.ts';
import { openProject } from '../../app/wiring.ts';
import { rejected } from '../../lib/errors.ts';
import { reportIfFinished } from '../view/finished.ts';
import { exit, type Output } from '../view/output.ts';
import { resumeRemotely } from './api/remote.ts';
import { runToCompletion } from './run.ts';

/** `sluice resume RUN`: takes over a run whose controller is gone, at the end of its history. */
export async function resume(output: Output, name: string, { server }: { server?: string }): Promise<number> {
  if (server !== undefined) return resumeRemotely(output, server, name);
  return withSluice(await openProject(), async (sluice, store) => {
    const { summary, state } = await resolveRun(store, name);
    if (reportIfFinished(output, summary.run, state)) return exit.ok;
    const handle = await sluice.takeOver(summary.run, (line) => output.line(line));
    if (handle) return runToCompletion(sluice, handle, store, output);
    throw rejected(`run ${summary.run} is owned by another active controller`, 'sluice show prints its progress');
  });
}
