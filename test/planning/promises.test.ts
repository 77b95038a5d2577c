import { describe, expect, test } from 'vitest';
import type { RunSummary } from '../../controller/domain/ports/store.ts';
import { type Evidence, recordOf, statusOf } from '../../controller/planning/promises.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const at = (text: string): number => Date.parse(`2026-03-${text}Z`);
let numbers = 0;
const run = (started: number, took: number | undefined, state = 'succeeded'): RunSummary => {
  numbers += 1;
  const ended = took === undefined ? undefined : started + took;
  return {
    run: `r${numbers}`,
    number: numbers,
    pipeline: 'p',
    state: ended === undefined ? 'running' : state,
    started,
    ended,
  } as RunSummary;
};
/** Evidence of runs, of which the last that published is the publication. */
const evidence = (now: number, runs: readonly RunSummary[], more: Partial<Evidence> = {}): Evidence => ({
  ...{ now, since: at('01T00:00'), holds: undefined, runs: runs.toSorted((a, b) => b.started - a.started) },
  published: runs
    .filter(({ state }) => state === 'succeeded' || state === 'degraded')
    .reduce<number | undefined>((last, { ended = 0 }) => Math.max(last ?? 0, ended), undefined),
  ...more,
});
const breakfast = {
  name: 'breakfast',
  published: { by: '07:00', from: '00:00', on: 'mon-fri', zone: 'Europe/Moscow' },
};

describe('published by a time of day', () => {
  // 07:00 in Moscow is 04:00 in UTC; 9 March 2026 is a Monday.
  const nightly = (d: string, took = 10 * minute, state = 'succeeded') => run(at(`${d}T03:00`), took, state);
  const stateAt = (now: string, runs: readonly RunSummary[], more: Partial<Evidence> = {}) =>
    statusOf(breakfast, evidence(at(now), runs, more));

  test('is kept by a publication of the day, and broken without one, until a late one', () => {
    expect(stateAt('09T03:30', [nightly('09')])).toMatchObject({ state: 'kept', due: at('09T04:00') });
    expect(stateAt('09T04:00', [nightly('06')])).toMatchObject({
      state: 'broken',
      due: at('09T04:00'),
      facts: { late: 0 },
    });
    expect(stateAt('09T03:59', [nightly('06')]).state).not.toBe('broken');
    expect(stateAt('09T09:00', [nightly('09', 10 * minute, 'failed')])).toMatchObject({
      state: 'broken',
      facts: { late: 5 * 3600 },
    });
    expect(stateAt('09T09:00', [run(at('09T08:00'), hour / 2)])).toMatchObject({ state: 'kept', due: at('10T04:00') });
  });

  test('is not kept by a late publication of the day before', () => {
    const late = run(at('09T19:00'), hour);
    expect(stateAt('10T03:00', [late]).state).not.toBe('broken');
    expect(stateAt('10T04:30', [late])).toMatchObject({ state: 'broken', due: at('10T04:00') });
    // 22:00 in Moscow is 19:00 in UTC, and counts when the promise says so.
    const evening = { ...breakfast, published: { ...breakfast.published, from: '22:00' } };
    expect(statusOf(evening, evidence(at('10T04:30'), [late])).state).toBe('kept');
    expect(statusOf(evening, evidence(at('10T04:30'), [run(at('09T17:00'), hour)])).state).toBe('broken');
  });

  test('is not due on other days, nor before the pipeline was known', () => {
    expect(stateAt('08T12:00', [nightly('06')])).toMatchObject({ state: 'kept', due: at('09T04:00') });
    expect(stateAt('09T05:00', [], { since: at('09T04:30') })).toMatchObject({ state: 'unknown', due: at('10T04:00') });
    expect(stateAt('10T05:00', [], { since: at('09T04:30') })).toMatchObject({ state: 'broken' });
  });

  test('is at risk when a run would take too long, less what the one under way has done', () => {
    const usual = Array.from({ length: 20 }, (_, i) =>
      run(at('02T03:00') - i * day, i === 7 ? 50 * minute : 20 * minute),
    );
    const before = [...usual, nightly('06')];
    expect(stateAt('09T03:39', before).state).toBe('kept');
    expect(stateAt('09T03:41', before)).toMatchObject({ state: 'at-risk', facts: { seconds: 1200 } });
    expect(stateAt('09T03:41', [...before, run(at('09T03:25'), undefined)]).state).toBe('kept');
    expect(stateAt('09T03:41', [...before, run(at('09T03:41'), undefined)]).state).toBe('at-risk');
  });

  test('has a record of its deadlines: late and failed ones are missed', () => {
    const runs = [
      nightly('02'),
      nightly('03', 2 * hour),
      nightly('04', minute, 'failed'),
      nightly('05'),
      nightly('06'),
    ];
    expect(recordOf(breakfast, evidence(at('07T12:00'), runs))).toEqual({
      ...{ kept: 3, of: 5 },
      recent: [true, true, false, false, true],
    });
  });

  test('follows the clocks of its zone', () => {
    const berlin = { name: 'b', published: { by: '07:00', from: '00:00', on: '*', zone: 'Europe/Berlin' } };
    const dueAfter = (now: string) => statusOf(berlin, evidence(at(now), [run(at('01T00:00'), 1)])).due;
    expect(dueAfter('28T12:00')).toBe(at('28T06:00'));
    expect(statusOf(berlin, evidence(at('29T04:30'), [run(at('28T23:30'), minute)])).due).toBe(at('29T05:00'));
  });
});

describe('fresher than a limit', () => {
  const fresh = { name: 'fresh', fresherThan: '24h' };
  test('is judged by the age of the last publication, with a warning at 80 %', () => {
    const runs = [run(at('09T00:00'), hour)];
    const state = (now: string) => statusOf(fresh, evidence(at(now), runs)).state;
    expect([state('09T20:12'), state('09T20:13'), state('10T01:00'), state('10T01:01')]).toEqual([
      'kept',
      'at-risk',
      'at-risk',
      'broken',
    ]);
    expect(statusOf(fresh, evidence(at('10T02:00'), runs))).toMatchObject({
      due: at('10T01:00'),
      facts: { seconds: 90_000, limit: 86_400 },
    });
  });
  test('is judged from when the pipeline was known, if nothing was ever published', () => {
    expect(statusOf(fresh, evidence(at('01T23:00'), [])).state).toBe('at-risk');
    expect(statusOf(fresh, evidence(at('02T01:00'), [])).state).toBe('broken');
  });
  test('has a record of its days', () => {
    const runs = ['01T10:00', '02T09:00', '05T09:00', '06T08:00'].map((each) => run(at(each), minute));
    // It was stale from the 3rd, 09:01, to the 5th, 09:01.
    expect(recordOf(fresh, evidence(at('07T00:00'), runs))).toMatchObject({
      kept: 3,
      of: 6,
      recent: [true, false, false, false, true, true],
    });
  });
});

describe('ends within a limit', () => {
  const quick = { name: 'quick', endsWithin: '30m' };
  const state = (now: string, runs: readonly RunSummary[]) => statusOf(quick, evidence(at(now), runs)).state;
  test('is judged by the run under way, and after it by the last one', () => {
    expect(state('09T00:00', [])).toBe('unknown');
    const going = [run(at('08T00:00'), hour), run(at('09T00:00'), undefined)];
    expect([state('09T00:10', going), state('09T00:25', going), state('09T00:31', going)]).toEqual([
      'kept',
      'at-risk',
      'broken',
    ]);
    expect(state('09T00:10', [run(at('08T00:00'), 31 * minute)])).toBe('broken');
    expect(state('09T00:10', [run(at('08T00:00'), 31 * minute), run(at('08T12:00'), minute, 'skipped')])).toBe(
      'broken',
    );
    expect(state('09T00:10', [run(at('08T00:00'), 31 * minute), run(at('08T12:00'), minute, 'failed')])).toBe('kept');
  });
  test('has a record of its runs', () => {
    const runs = [run(at('02T00:00'), minute), run(at('03T00:00'), hour), run(at('04T00:00'), 9 * hour, 'cancelled')];
    expect(recordOf(quick, evidence(at('09T00:00'), runs))).toEqual({ kept: 1, of: 2, recent: [false, true] });
  });
});

test('a condition holds, does not, or cannot be judged', () => {
  const of = (is: boolean | undefined) =>
    statusOf(
      { name: 'x', holds: 'orders.rows > 3' },
      evidence(0, [], { holds: is === undefined ? undefined : { is, values: ['orders.rows = 1'] } }),
    );
  expect([of(true).state, of(undefined).state]).toEqual(['kept', 'unknown']);
  expect(of(false)).toEqual({ state: 'broken', facts: { values: 'orders.rows = 1' } });
});
