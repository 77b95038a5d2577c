import type { RunEnd, RunEvent } from './events.ts';

/** The neutral states of a run and of an attempt. */
export type LifeState = 'pending' | 'running' | 'cancelling' | RunEnd;

/** How a run can end. */
export const runEnds = ['succeeded', 'degraded', 'failed', 'skipped', 'cancelled'] as const satisfies readonly RunEnd[];

/** All states, for filters by name. */
export const runStates = ['pending', 'running', 'cancelling', ...runEnds] as const satisfies readonly LifeState[];

/** The states in which an event applies, and its target. Of several targets, the event itself names one. */
export interface Transition {
  /** Empty for the initial event. */
  readonly from: readonly LifeState[];
  readonly on: RunEvent['type'];
  readonly to: LifeState | readonly LifeState[];
}

/** The transitions of a run. Other events do not change its state. */
export const runTable: readonly Transition[] = [
  { from: [], on: 'run-started', to: 'pending' },
  { from: ['pending'], on: 'queued', to: 'pending' },
  { from: ['pending'], on: 'sources-measured', to: 'running' },
  { from: ['running'], on: 'inputs-lost', to: 'pending' },
  { from: ['pending', 'running'], on: 'cancel-requested', to: 'cancelling' },
  { from: ['pending'], on: 'run-ended', to: ['skipped', 'failed'] },
  { from: ['running'], on: 'run-ended', to: ['succeeded', 'degraded', 'skipped', 'failed'] },
  { from: ['cancelling'], on: 'run-ended', to: ['cancelled'] },
];

/** The transitions of an attempt. */
export const attemptTable: readonly Transition[] = [
  { from: [], on: 'attempt-intended', to: 'pending' },
  { from: ['pending'], on: 'attempt-submitted', to: 'pending' },
  { from: ['pending'], on: 'application-found', to: 'running' },
  { from: ['pending', 'running'], on: 'attempt-waiting', to: ['pending', 'running'] },
  { from: ['pending', 'running'], on: 'attempt-reached', to: ['pending', 'running'] },
  { from: ['pending', 'running'], on: 'attempt-ended', to: ['succeeded', 'failed', 'cancelled'] },
];

/** The state after an event, by a table; unchanged when the table has no such transition. */
export function next(
  table: readonly Transition[],
  state: LifeState | undefined,
  event: RunEvent,
): LifeState | undefined {
  const step = table.find(
    ({ from, on }) => on === event.type && (state === undefined ? from.length === 0 : from.includes(state)),
  );
  if (!step) return state;
  if (typeof step.to === 'string') return step.to;
  return 'state' in event && step.to.includes(event.state) ? event.state : state;
}
