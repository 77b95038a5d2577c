import { byCommand } from '../../app/new-run.ts';
import { resolveRun } from '../../app/resolve-run.ts';
import { type RunHandle, type Sluice, withSluice } from '../../app/sluice.ts';
import { isTriggered, retriedBy, retryFiring, retryRefusal } from '../../app/triggers/retry.ts';
import { openPipeline, openProject } from '../../app/wiring.ts';
import type { RunStore, RunSummary } from '../../domain/ports/store.ts';
import type { RunState } from '../../domain/state.ts';
import { rejected } from '../../lib/errors.ts';
import { call } from '../../server/client/client.ts';
import { serverAt, withReader } from '../../server/client/reader.ts';
import { startCalls } from '../../server/routes/starts.ts';
import { exit, type Output } from '../view/output.ts';
import { runToCompletion } from './run.ts';

interface RetryOptions {
  readonly detach?: boolean;
  readonly server?: string;
  readonly fromStep?: string;
  readonly fresh?: boolean;
}

/** `sluice retry RUN`: a new run of the same pipeline for the same reason as one that has ended. */
export async function retry(output: Output, name: string, options: RetryOptions): Promise<number> {
  if (options.server !== undefined) return retryRemotely(output, name, options.server, options);
  return withSluice(await openProject(), async (sluice, store) => {
    const { summary, state } = await resolveRun(store, name);
    const handle = await started(sluice, store, { summary, state }, options);
    output.line(`run ${handle.run} repeats ${summary.run}`);
    if (!options.detach) return runToCompletion(sluice, handle, store, output);
    output.document({ run: handle.run, repeats: summary.run });
    return exit.ok;
  });
}

/** Registers the run, by the pipeline's file as it is now. */
async function started(
  sluice: Sluice,
  store: RunStore,
  { summary, state }: { readonly summary: RunSummary; readonly state: RunState },
  { detach = false, ...how }: RetryOptions,
): Promise<RunHandle> {
  const { file, cause, again } = state;
  if (file === undefined) throw rejected(`run ${summary.run} does not say which file it ran`, 'sluice run FILE');
  const { loaded } = await openPipeline(file);
  if (loaded.pipeline.name !== summary.pipeline)
    throw rejected(
      `${file} is the pipeline ${loaded.pipeline.name} now, and run ${summary.run} is of ${summary.pipeline}`,
      `sluice run ${file}`,
    );
  const retries = retriedBy(summary.run, how);
  const refusal = await retryRefusal(store, loaded.pipeline, { summary, state }, retries);
  if (refusal) throw rejected(refusal.message, refusal.hint);
  const { by = 'sluice' } = byCommand();
  if (!isTriggered(cause)) {
    const mine = { ...byCommand(), ...(cause?.with && { with: cause.with }) };
    return sluice.startRun(loaded, { ...(again && { again }), retries, detach, cause: mine });
  }
  const { run, reason } = await retryFiring(store, loaded, { cause, started: summary.started }, { by, retries });
  const found = run === undefined ? undefined : await store.find(run);
  if (!found) throw rejected(`the firing was not taken: ${reason ?? 'its run is gone'}`);
  return { run: found.run, number: found.number, lease: undefined };
}

async function retryRemotely(
  output: Output,
  name: string,
  server: string,
  { fromStep, fresh }: RetryOptions,
): Promise<number> {
  return withReader(server, async (reader) => {
    const { summary } = await resolveRun(reader, name);
    const { run } = await call(serverAt(server), startCalls.retryRun, {
      params: { run: summary.run },
      query: { ...(fromStep !== undefined && { fromStep }), ...(fresh && { fresh: 'true' as const }) },
    });
    output.line(`run ${run} repeats ${summary.run}; a controller (\`sluice serve\`) will execute it`);
    output.document({ run, repeats: summary.run });
    return exit.ok;
  });
}
