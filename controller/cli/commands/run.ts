import { asPlanned, readPlan } from '../../app/measure.ts';
import { type Claimed, type Site, withSite } from '../../app/sluice.ts';
import { runDocument } from '../../app/views/run.ts';
import { adaptersOf, openPipeline } from '../../app/wiring.ts';
import type { RunStore } from '../../domain/ports/store.ts';
import type { RunState } from '../../domain/state.ts';
import type { News } from '../../engine/ports.ts';
import { Crew } from '../../engine/worker.ts';
import { narrator, tellMeasured } from '../view/narrate.ts';
import { exit, exitCodeOf, type Output } from '../view/output.ts';
import { pc } from '../view/style.ts';

export interface RunOptions {
  readonly fullRefresh?: boolean;
  /** From when on topics are read once more. */
  readonly from?: Date;
  readonly detach?: boolean;
  readonly idempotencyKey?: string;
  /** A saved plan that is to be kept to. */
  readonly plan?: string;
}

export const backfill = (output: Output, file: string, options: RunOptions): Promise<number> =>
  run(output, file, { ...options, fullRefresh: true });

const againOf = ({ fullRefresh, from }: RunOptions) =>
  fullRefresh ? { again: { again: true as const, ...(from ? { since: from.getTime() } : {}) } } : {};

export async function run(output: Output, file: string, options: RunOptions): Promise<number> {
  const { project, loaded } = await openPipeline(file);
  const saved = options.plan === undefined ? undefined : await readPlan(project, options.plan);
  const given =
    saved && ((folder: string) => asPlanned(adaptersOf(project), loaded.pipeline, saved, folder, tellMeasured(output)));
  return withSite(project, async (site, store) => {
    const begun = await site.begin(loaded, { ...options, ...againOf(options), ...(given ? { given } : {}) });
    if (!options.detach) return driveToEnd(site, begun, store, output);
    output.line(`run ${begun.run} is queued; a controller (\`sluice serve\`) will execute it`);
    const summary = await store.find(begun.run);
    if (summary) output.document(await runDocument(store, summary));
    return exit.ok;
  });
}

/** Sees a run to its end in this terminal. Ctrl-C ends its Spark application first; a second one leaves at once. */
export async function driveToEnd(site: Site, claimed: Claimed, store: RunStore, output: Output): Promise<number> {
  let interrupted = false;
  const { run } = claimed;
  const interrupt = (): void => {
    if (interrupted) {
      output.line(`aborted; resume with: sluice resume ${run}`);
      process.exit(exit.interrupted);
    }
    interrupted = true;
    store
      .request(run, site.now(), { type: 'cancel-requested', by: 'Ctrl-C' })
      .catch((error: Error) => output.line(`could not record the cancellation: ${error.message}`));
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  // Runs whose controllers are dead go on beside this one, for as long as it takes.
  const crew = new Crew(site, (_run, news) => others(news, output));
  crew.start(orphansBeside);
  try {
    const state = await site.see(claimed, narrator(output));
    await tellMail(site, run, store, output);
    await site.sweep().catch(() => undefined);
    const summary = await store.find(run);
    if (summary) output.document(await runDocument(store, summary, state));
    output.line(pc.dim(`details: sluice show ${run}`));
    return codeOf(state, interrupted);
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    const left = await crew.stop();
    if (left.length > 0) output.line(`released to the next controller: ${left.join(', ')}`);
  }
}

/** So many runs of dead controllers a terminal goes on with besides its own. */
const orphansBeside = 4;

function others(news: News, output: Output): void {
  if (news.kind !== 'event') return;
  const { event } = news.record;
  const { run } = news.state;
  if (event.type === 'taken-over') output.line(pc.dim(`also resuming orphaned run ${run}`));
  if (event.type === 'run-ended') output.line(pc.dim(`run ${run}, taken over: ${event.state}`));
}

/** How long the end of a run waits for its mails, while another controller is sending. Milliseconds. */
const mailPatience = 25_000;

async function tellMail(site: Site, run: string, store: RunStore, output: Output): Promise<void> {
  const deadline = performance.now() + mailPatience;
  let { problem } = await site.mail();
  const waits = async (): Promise<boolean> =>
    (await store.messages(run)).some((each) => each.state === 'waiting' && each.note === undefined);
  while ((await waits()) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    ({ problem } = await site.mail());
  }
  const messages = await store.messages(run);
  for (const { event, to, state, note } of messages) {
    const why = state === 'sent' || note === undefined ? '' : ` (${note})`;
    output.line(`${pc.bold('mail'.padEnd(10))} ${event} to ${to}: ${state}${why}`);
  }
  if (messages.some((each) => each.state === 'waiting'))
    output.line(pc.yellow(`mails are still queued${problem === undefined ? '' : `: ${problem}`}`));
}

function codeOf({ ended }: RunState, interrupted: boolean): number {
  if (!ended) return exit.failed;
  if (ended.state === 'cancelled') return interrupted ? exit.interrupted : exit.failed;
  if (ended.state !== 'failed') return exit.ok;
  return ended.errorKind ? exitCodeOf(ended.errorKind) : exit.failed;
}
