import { setTimeout as sleep } from 'node:timers/promises';
import { historyReader, resolveRun } from '../../app/resolve-run.ts';
import { grown, latestAttempt } from '../../app/views/log.ts';
import type { AttemptState } from '../../domain/step-state.ts';
import { rejected } from '../../lib/errors.ts';
import { type Reader, withReader } from '../../server/client/reader.ts';
import { exit, type Output, readerLeft } from '../view/output.ts';
import { pc } from '../view/style.ts';

interface LogsOptions {
  readonly step?: string;
  readonly follow?: boolean;
  readonly server?: string;
}

const pollIntervalMs = 1000;

/** `sluice logs [RUN]`: the end of the driver's log as long as the backend has it, else the lines in the history. */
export async function logs(output: Output, name: string | undefined, options: LogsOptions): Promise<number> {
  return withReader(options.server, async (reader) => {
    const { summary, state } = await resolveRun(reader, name);
    if (options.follow) return follow(output, reader, summary.run, options.step);
    const shown = latestAttempt(state, options.step);
    if (!shown)
      throw rejected(
        `run ${summary.run} has submitted nothing${options.step === undefined ? '' : ` for a step ${options.step}`}`,
      );
    const { step, attempt } = shown;
    const lines = await reader.lines(summary.run, step, attempt);
    output.line(heading(step, attempt));
    for (const line of lines) output.line(line);
    if (lines.length === 0) output.line('The backend keeps no log of it.');
    output.document({ run: summary.run, step, attempt: attempt.number, lines });
    return exit.ok;
  });
}

/** Prints a driver's log as it grows, attempt after attempt, until the run has ended or Ctrl-C. */
async function follow(output: Output, reader: Reader, run: string, only: string | undefined): Promise<number> {
  let key = '';
  let before: readonly string[] = [];
  const all: string[] = [];
  const read = historyReader(reader, run);
  for (;;) {
    const { state } = await read();
    const shown = latestAttempt(state, only);
    if (shown) {
      const { step, attempt } = shown;
      if (attempt.key !== key) {
        output.line(heading(step, attempt));
        key = attempt.key;
        before = [];
      }
      const now = await reader.lines(run, step, attempt);
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

const heading = (step: string, { number, ui }: AttemptState): string =>
  `${step}, attempt ${number}${ui === undefined ? '' : `, ${ui}`}`;
