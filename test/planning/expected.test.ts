import { describe, expect, test } from 'vitest';
import type { RunState } from '../../controller/domain/state.ts';
import { emptyState } from '../../controller/domain/state.ts';
import type { AttemptState } from '../../controller/domain/step-state.ts';
import { expectedOf, type PastAttempt, pastAttempts } from '../../controller/planning/expected.ts';

const attempt = (seconds: number, more: Partial<PastAttempt> = {}): PastAttempt => ({
  step: 'marts',
  engine: 'spark',
  rows: 1000,
  seconds,
  ...more,
});

describe('the expected seconds of a step', () => {
  test('are the middle of the five newest attempts on either engine', () => {
    const past = [16, 18, 90, 17, 19, 1, 1, 1].map((seconds) => attempt(seconds));
    const embedded = [attempt(2, { engine: 'embedded' })];
    expect(expectedOf([...past, ...embedded], 'marts', 1000)).toEqual({
      spark: { seconds: 18, runs: 5 },
      embedded: { seconds: 2, runs: 1 },
    });
  });

  test.each([
    [500, true],
    [2000, true],
    [499, false],
    [2001, false],
    [0, false],
  ])('are known from 1000 rows for %i rows: %s', (rows, isKnown) => {
    expect('spark' in expectedOf([attempt(17)], 'marts', rows)).toBe(isKnown);
  });

  test('of one step say nothing of another', () => {
    expect(expectedOf([attempt(17)], 'other', 1000)).toEqual({});
  });
});

describe('past attempts', () => {
  const settings = { executors: 1 } as AttemptState['settings'];
  const result = { inputs: [{ read: 700 }, { read: 300 }] } as AttemptState['result'];
  const done = { settings, result, startedAt: 5000, ended: { state: 'succeeded', at: 22_000 }, number: 2 };
  const of = (attempts: object[], more: object = {}): RunState => ({
    ...emptyState(),
    steps: { marts: { name: 'marts', attempts: attempts as AttemptState[], ...more } },
  });

  test('have the rows of all inputs and the time from intent to known end', () => {
    expect(pastAttempts(of([done]))).toEqual([attempt(17)]);
  });

  test('leave out what failed, what still runs, and what is no Spark step', () => {
    const failed = { ...done, ended: { state: 'failed', at: 22_000 } };
    const { ended: _, ...running } = done;
    expect(pastAttempts(of([failed, running, { ...done, settings: undefined }]))).toEqual([]);
  });

  test('have what the shadow of this attempt took', () => {
    const shadow = { attempt: 2, rows: 10, seconds: 1.5 };
    expect(pastAttempts(of([done], { shadow }))).toEqual([attempt(17), attempt(1.5, { engine: 'embedded' })]);
    expect(pastAttempts(of([done], { shadow: { ...shadow, attempt: 1 } }))).toEqual([attempt(17)]);
  });
});
