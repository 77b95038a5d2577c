import { expect, test } from 'vitest';
import type { RunEvent } from '../../controller/domain/events.ts';
import { type OpenPhases, phasesAfter } from '../../controller/domain/phases.ts';

const of = (type: RunEvent['type'], more: object = {}): RunEvent => ({ type, ...more }) as never;

/** The phases that end with events at these times. */
function phases(...history: readonly (readonly [at: number, event: RunEvent])[]): string[] {
  let open: OpenPhases = new Map();
  return history.flatMap(([at, event]) => {
    const after = phasesAfter(open, { at, event });
    ({ open } = after);
    return after.ended.map(({ phase, ms }) => `${phase} ${ms}`);
  });
}

test('each phase of a run is counted once, and each attempt by itself', () => {
  const step = { step: 'work', attempt: 1 };
  expect(
    phases(
      [0, of('run-started')],
      [10, of('queued')],
      [50, of('queue-left')],
      [60, of('measuring')],
      [100, of('sources-measured')],
      [105, of('planned')],
      [106, of('attempt-intended', step)],
      [110, of('attempt-submitted', step)],
      [200, of('attempt-ended', { ...step, state: 'failed' })],
      [300, of('attempt-intended', step)],
      [303, of('attempt-intended', { step: 'other' })],
      [304, of('attempt-submitted', { step: 'other' })],
      [305, of('attempt-submitted', step)],
      [400, of('attempt-ended', { ...step, state: 'succeeded' })],
      [420, of('outputs-published', step)],
      [421, of('step-ended', step)],
      [430, of('report-written')],
      [431, of('run-ended')],
    ),
  ).toEqual([
    ...['queue 60', 'measure 40', 'plan 5', 'submit 4', 'spark 90', 'submit 1', 'submit 5', 'spark 95'],
    ...['publish 20', 'report 9'],
  ]);
});

test('a phase whose begin is unknown is not counted, nor one of a negative time', () => {
  expect(phases([5, of('planned')], [9, of('outputs-published', { step: 'work' })])).toEqual([]);
  expect(phases([9, of('run-started')], [5, of('measuring')])).toEqual(['queue 0']);
});
