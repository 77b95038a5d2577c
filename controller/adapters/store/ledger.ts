import { lastResumed, pausesAt } from '../../domain/pauses.ts';
import {
  type Entered,
  type FiringRecord,
  mostWaiting,
  type NewFiring,
  type TriggerState,
  type TriggerStore,
  tooManyWaiting,
} from '../../domain/ports/triggers.ts';
import type { Row } from './summary.ts';

/** The state of a trigger from its row, without the cursor. */
export function stateOf(row: Row): Omit<TriggerState, 'cursor'> {
  const { seq, generation, armed, now, waiting } = row;
  const pauses = pausesAt(row.pauses, now);
  const resumed = lastResumed(pauses, row.resumed ?? undefined);
  return { seq, generation, armed, now, waiting, pauses, resumed, problem: row.problem ?? undefined };
}

/** Why a request that was held during a pause starts no run. */
export const heldAtReset = 'the trigger was reset while it was held';

/** A row of the ledger. */
export const firingOf = (row: Row): FiringRecord => ({
  number: row.number,
  pipeline: row.pipeline,
  trigger: row.trigger,
  generation: row.generation,
  key: row.key,
  due: row.due,
  until: row.until ?? undefined,
  count: row.count,
  outcome: row.outcome,
  reason: row.reason ?? undefined,
  run: row.run ?? undefined,
  noted: row.noted,
  payload: row.payload ?? undefined,
});

export const entered = (row: Row, isNew: boolean): Entered => ({
  key: row.key,
  isNew,
  outcome: row.outcome,
  reason: row.reason ?? undefined,
  run: row.run ?? undefined,
});

/**
 * Whether a trigger is another one than the caller has seen: it was changed, or so many more runs wait now that some of
 * the firings would be refused, which the caller has moved its cursor past.
 */
export function isChanged(row: Row, seen: Parameters<TriggerStore['fire']>[1], firings: readonly NewFiring[]): boolean {
  if (row.generation !== seen.generation || (seen.seq !== undefined && row.seq !== seen.seq)) return true;
  const starts = firings.filter(({ as }) => 'start' in as && !as.joins).length;
  return seen.waiting !== undefined && row.waiting > seen.waiting && row.waiting + starts > mostWaiting;
}

/** What becomes of a firing that wants a run, given the waiting runs of its trigger, newest first. */
export function startedRun(
  { start, joins }: Extract<NewFiring['as'], { start: unknown }>,
  waiting: readonly string[],
): Pick<Entered, 'outcome' | 'reason' | 'run'> {
  const [newest] = waiting;
  if (joins && newest) {
    const reason = `run ${newest} had not begun to measure`;
    return { outcome: 'joined', reason, run: newest };
  }
  if (waiting.length >= mostWaiting) return { outcome: 'refused', reason: tooManyWaiting, run: undefined };
  return { outcome: 'started', reason: undefined, run: start.run };
}
