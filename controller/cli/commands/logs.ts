import { setTimeout as sleep } from 'node:timers/promises';
import { historyReader, resolveRun } from '../../app/resolve-run.ts';
import { backendsOf, openProject, withStore } from '../../app/wiring.ts';
import type { RunStore } from '../../domain/ports/store.ts';
import type { AttemptState, RunState } from '../../domain/state.ts';
import { backendOf } from '../../engine/ports.ts';
import { rejected, SluiceError } from '../../lib/errors.ts';
import { exit, type Output, readerLeft } from '../view/output.ts';
import { pc } from '../view/style.ts';

interface LogsOptions {
  readonly step?: string;
  readonly follow?: boolean;
}

const pollIntervalMs = 1000;

type Backends = Parameters<typeof backendOf>[0];

/** `sluice logs [RUN]`: the end of the driver's log as long as the backend has it, else the lines in the history. */
export async function logs(output: Output, name: string | undefined, options: LogsOptions): Promise<number> {
  const project = await openProject();
  const backends = await backendsOf(project);
  return withStore(project, async (store) => {
    const { summary, state } = await resolveRun(store, name);
    if (options.follow) return follow(output, store, backends, summary.run, options.step);
    const shown = latest(state, options.step);
    if (!shown)
      throw rejected(
        `run ${summary.run} has submitted nothing${options.step === undefined ? '' : ` for a step ${options.step}`}`,
      );
    const { step, attempt } = shown;
    const lines = await linesOf(backends, attempt);
    output.line(heading(step, attempt));
    for (const line of lines) output.line(line);
    if (lines.length === 0) output.line('The backend keeps no log of it.');
    output.document({ run: summary.run, step, attempt: attempt.number, lines });
    return exit.ok;
  });
}

/** Prints a driver's log as it grows, attempt after attempt, until the run has ended or Ctrl-C. */
async function follow(
  output: Output,
  store: RunStore,
  backends: Backends,
  run: string,
  only: string | undefined,
): Promise<number> {
  let key = '';
  let before: readonly string[] = [];
  const all: string[] = [];
  const read = historyReader(store, run);
  for (;;) {
    const { state } = await read();
    const shown = latest(state, only);
    if (shown) {
      const { step, attempt } = shown;
      if (attempt.key !== key) {
        output.line(heading(step, attempt));
        key = attempt.key;
        before = [];
      }
      const now = await linesOf(backends, attempt);
      const fresh = grown(before, now);
      for (const line of fresh) output.line(line);
      all.push(...fresh);
      before = now;
    }
    if (readerLeft) return exit.ok;
    if (state.ended) {
      output.line(pc.dim(`run ${run} has ended: ${state.ended.state}`));
      output.document({ run, state: state.ended.state, lines: all });
      return exit.ok;
    }
    await sleep(pollIntervalMs);
  }
}

/** The new lines of a log of which only the last lines are available. */
export function grown(before: readonly string[], now: readonly string[]): readonly string[] {
  for (let gone = 0; gone < before.length; gone++) {
    const left = before.length - gone;
    if (left <= now.length && before.slice(gone).every((line, i) => line === now[i])) return now.slice(left);
  }
  return now;
}

const heading = (step: string, { number, ui }: AttemptState): string =>
  `${step}, attempt ${number}${ui === undefined ? '' : `, ${ui}`}`;

function latest(state: RunState, only: string | undefined): { step: string; attempt: AttemptState } | undefined {
  const ran = Object.values(state.steps).filter((step) => step.attempts.some((attempt) => attempt.settings));
  const step = only === undefined ? ran.at(-1) : ran.find((each) => each.name === only);
  const attempt = step?.attempts.at(-1);
  return step && attempt && { step: step.name, attempt };
}

async function linesOf(backends: Backends, attempt: AttemptState): Promise<readonly string[]> {
  const { submission, failure } = attempt;
  const kept = failure?.lines ?? [];
  if (!submission) return kept;
  const lines = await backendOf(backends, attempt)
    .logs(submission)
    .catch((error: unknown) => {
      if (error instanceof SluiceError) return kept;
      throw error;
    });
  return lines.length > 0 ? lines : kept;
}
