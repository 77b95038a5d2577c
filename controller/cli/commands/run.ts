import { applyPlan, readPlan } from '../../app/plans/plan.ts';
import { type RunHandle, type Sluice, withSluice } from '../../app/sluice.ts';
import { runDocument } from '../../app/views/run.ts';
import { adaptersOf, openPipeline } from '../../app/wiring.ts';
import { channelLabel, isForPeople } from '../../domain/ports/notifier.ts';
import type { RunStore } from '../../domain/ports/store.ts';
import type { RunState } from '../../domain/state.ts';
import type { RunUpdate } from '../../engine/ports.ts';
import { Worker } from '../../engine/worker.ts';
import { eventPrinter, measuredPrinter } from '../view/events.ts';
import { exit, exitCodeOf, type Output } from '../view/output.ts';
import { pc } from '../view/style.ts';
import { startRemotely } from './api/remote.ts';

export interface RunOptions {
  readonly fullRefresh?: boolean;
  /** The time from which topics are read again. */
  readonly from?: Date;
  readonly detach?: boolean;
  readonly idempotencyKey?: string;
  /** A saved plan to apply. */
  readonly plan?: string;
  readonly server?: string;
}

export const backfill = (output: Output, file: string, options: RunOptions): Promise<number> =>
  run(output, file, { ...options, fullRefresh: true });

const fullRefreshOption = ({ fullRefresh, from }: RunOptions) =>
  fullRefresh ? { again: { again: true as const, ...(from ? { since: from.getTime() } : {}) } } : {};

export async function run(output: Output, file: string, options: RunOptions): Promise<number> {
  if (options.server !== undefined) return startRemotely(output, options.server, file, options);
  const { project, loaded } = await openPipeline(file);
  const saved = options.plan === undefined ? undefined : await readPlan(project, options.plan);
  const given =
    saved &&
    ((folder: string) => applyPlan(adaptersOf(project), loaded.pipeline, saved, folder, measuredPrinter(output)));
  return withSluice(project, async (sluice, store) => {
    const handle = await sluice.startRun(loaded, {
      ...options,
      ...fullRefreshOption(options),
      ...(given ? { given } : {}),
    });
    if (!options.detach) return runToCompletion(sluice, handle, store, output);
    const summary = await store.find(handle.run);
    if (summary?.ended !== undefined) output.line(`run ${handle.run} has the key, and has ended: ${summary.state}`);
    else output.line(`run ${handle.run} is queued; a controller (\`sluice serve\`) will execute it`);
    if (summary) output.document(await runDocument(store, summary));
    return exit.ok;
  });
}

/** Follows a run to its end in this terminal. The first Ctrl-C cancels it; a second one exits at once. */
export async function runToCompletion(
  sluice: Sluice,
  handle: RunHandle,
  store: RunStore,
  output: Output,
): Promise<number> {
  let interrupted = false;
  const { run } = handle;
  const interrupt = (): void => {
    if (interrupted) {
      output.line(`aborted; resume with: sluice resume ${run}`);
      process.exit(exit.interrupted);
    }
    interrupted = true;
    store
      .request(run, sluice.now(), { type: 'cancel-requested', by: 'Ctrl-C' })
      .catch((error: Error) => output.line(`could not record the cancellation: ${error.message}`));
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  // A worker also executes orphaned runs meanwhile.
  const worker = new Worker(sluice, (_run, update) => printOrphanUpdate(update, output));
  worker.start(maximumOrphans);
  try {
    const state = await sluice.followToCompletion(handle, eventPrinter(output));
    await reportMail(sluice, run, store, output);
    await sluice.cleanUp().catch(() => undefined);
    const summary = await store.find(run);
    if (summary) output.document(await runDocument(store, summary, state));
    output.line(pc.dim(`details: sluice show ${run}`));
    return codeOf(state, interrupted);
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    const released = await worker.stop();
    if (released.length > 0) output.line(`released to the next controller: ${released.join(', ')}`);
  }
}

/** The most orphaned runs that a terminal executes beside its own. */
const maximumOrphans = 4;

function printOrphanUpdate(update: RunUpdate, output: Output): void {
  if (update.kind !== 'event') return;
  const { event } = update.record;
  const { run } = update.state;
  if (event.type === 'taken-over') output.line(pc.dim(`also resuming orphaned run ${run}`));
  if (event.type === 'run-ended') output.line(pc.dim(`run ${run}, taken over: ${event.state}`));
}

/** How long a finished run waits for its mails while another controller sends them. Milliseconds. */
const mailTimeoutMs = 25_000;

async function reportMail(sluice: Sluice, run: string, store: RunStore, output: Output): Promise<void> {
  const deadline = performance.now() + mailTimeoutMs;
  let { problem } = await sluice.dispatchOutbox();
  const waits = async (): Promise<boolean> =>
    (await store.messages(run)).some((each) => each.state === 'waiting' && each.note === undefined);
  while ((await waits()) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    ({ problem } = await sluice.dispatchOutbox());
  }
  const messages = await store.messages(run);
  for (const message of messages) {
    const { channel, event, to, state, note } = message;
    const why = state === 'sent' || note === undefined ? '' : ` (${note})`;
    if (state !== 'sent' || isForPeople(message))
      output.line(`${pc.bold(channelLabel(channel).padEnd(10))} ${event} to ${to}: ${state}${why}`);
  }
  if (messages.some((each) => each.state === 'waiting'))
    output.line(pc.yellow(`messages are still queued${problem === undefined ? '' : `: ${problem}`}`));
}

function codeOf({ ended }: RunState, interrupted: boolean): number {
  if (!ended) return exit.failed;
  if (ended.state === 'cancelled') return interrupted ? exit.interrupted : exit.failed;
  if (ended.state !== 'failed') return exit.ok;
  return ended.errorKind ? exitCodeOf(ended.errorKind) : exit.failed;
}
