import type { RunState } from '../../domain/state.ts';
import type { Output } from './output.ts';

/** Says so, and returns true, when a run that was to be acted on has ended already. */
export function saysEnded(output: Output, run: string, { ended }: RunState): boolean {
  if (!ended) return false;
  output.line(`run ${run} has ended already: ${ended.state}`);
  output.document({ run, state: ended.state });
  return true;
}
