import type { RunState } from '../../domain/state.ts';
import type { AttemptState } from '../../domain/step-state.ts';
import { backendOf } from '../../engine/ports.ts';
import { SluiceError } from '../../lib/errors.ts';

/** The last attempt of a step on an engine, or of the last step that had one. */
export function latestAttempt(
  state: RunState,
  only: string | undefined,
): { step: string; attempt: AttemptState } | undefined {
  const ran = Object.values(state.steps).filter((step) => step.attempts.some((attempt) => attempt.settings));
  const step = only === undefined ? ran.at(-1) : ran.find((each) => each.name === only);
  const attempt = step?.attempts.at(-1);
  return step && attempt && { step: step.name, attempt };
}

/** The end of the log of an attempt's driver as long as the backend has it, else the lines in the history. */
export async function logLines(
  backends: Parameters<typeof backendOf>[0],
  attempt: AttemptState,
): Promise<readonly string[]> {
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

/** The new lines of a log of which only the last lines are available. */
export function grown(before: readonly string[], now: readonly string[]): readonly string[] {
  for (let gone = 0; gone < before.length; gone++) {
    const left = before.length - gone;
    if (left <= now.length && before.slice(gone).every((line, i) => line === now[i])) return now.slice(left);
  }
  return now;
}
