import type { RunState } from '../../domain/state.ts';
import type { Output } from './output.ts';

/** Reports a run that has already ended, and returns true for it. */
export function reportIfFinished(output: Output, run: string, { ended }: RunState): boolean {
  if (!ended) return false;
  output.line(`run ${run} has ended already: ${ended.state}`);
  output.document({ run, state: ended.state });
  return true;
}
