import { rejected } from '../errors.ts';
import { exit, type Output } from './output.ts';
import { pickRun } from './pick-run.ts';
import { backendOf, openProject, withStore } from './wiring.ts';

/** `sluice logs [RUN]`: the end of the driver's log, as long as Livy keeps it; then what the history has of it. */
export async function logs(output: Output, name: string | undefined, options: { step?: string }): Promise<number> {
  const project = await openProject();
  return withStore(project, async (store) => {
    const { summary, state } = await pickRun(store, name);
    const ran = Object.values(state.steps).filter((step) => step.attempts.length > 0);
    const step = options.step === undefined ? ran.at(-1) : ran.find((each) => each.name === options.step);
    const attempt = step?.attempts.at(-1);
    if (!step || !attempt)
      throw rejected(
        `run ${summary.run} has submitted nothing${options.step === undefined ? '' : ` for a step ${options.step}`}`,
      );
    const kept = attempt.failure?.lines ?? [];
    const lines = attempt.submission
      ? await backendOf(project)
          .logs(attempt.submission)
          .catch(() => kept)
      : kept;
    const shown = lines.length > 0 ? lines : kept;
    output.line(`${step.name}, attempt ${attempt.number}${attempt.ui === undefined ? '' : `, ${attempt.ui}`}`);
    for (const line of shown) output.line(line);
    if (shown.length === 0) output.line('Livy keeps no log of it any more.');
    output.document({ run: summary.run, step: step.name, attempt: attempt.number, lines: shown });
    return exit.ok;
  });
}
