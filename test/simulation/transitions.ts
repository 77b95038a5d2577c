import type { Recorded } from '../../controller/domain/events.ts';
import { attemptTable, type LifeState, runTable, type Transition } from '../../controller/domain/lifecycle.ts';
import { apply, emptyState } from '../../controller/domain/state.ts';

const has = (table: readonly Transition[], life: LifeState | undefined, event: Recorded['event']): boolean =>
  table.some(
    ({ from, on, to }) =>
      on === event.type &&
      (life === undefined ? from.length === 0 : from.includes(life)) &&
      ('state' in event ? [to].flat().includes(event.state) : true),
  );
const knows = (table: readonly Transition[], { type }: Recorded['event']): boolean =>
  table.some(({ on }) => on === type);

/** The transitions of a history that are missing in the tables of lifecycle.ts, as `run pending --planned`. */
export function strayIn(history: readonly Recorded[]): string[] {
  const state = emptyState();
  return history.flatMap((record) => {
    const { event } = record;
    const { status } = state;
    const attempt =
      'attempt' in event
        ? state.steps[event.step]?.attempts.find((each) => each.number === event.attempt)?.status
        : undefined;
    apply(state, record);
    const stray: string[] = [];
    if (knows(runTable, event) && !has(runTable, status, event)) stray.push(`run ${status} --${event.type}`);
    if (knows(attemptTable, event) && !has(attemptTable, attempt, event))
      stray.push(`attempt ${attempt} --${event.type}`);
    return stray;
  });
}
