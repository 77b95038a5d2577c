import { describe, expect, test } from 'vitest';
import type { RunEnd, StepEnd } from '../../controller/domain/events.ts';
import type { Pipeline } from '../../controller/domain/pipeline.ts';
import type { RunState } from '../../controller/domain/state.ts';
import { keepsInputs, type LaterRun, reusable, stepProblem } from '../../controller/planning/reuse.ts';
import { profile } from './profiles.ts';

const kept = { kind: 'csv', kept: { paths: ['/runs/r1/inputs/a.parquet'], columns: [] } };
const source = { csv: 'a/*.csv', key: 'id', columns: [] };
/** `first`, then `marts` with a fallback, then `report`; `other` depends on nothing. */
const pipeline = {
  name: 'p',
  sources: { a: source },
  checks: [],
  steps: {
    first: {},
    marts: { needs: ['first'], fallback: 'simple' },
    simple: {},
    report: { needs: ['marts'] },
    other: {},
  },
} as unknown as Pipeline;

function ended(state: RunEnd, steps: Readonly<Record<string, StepEnd>> = {}, more: object = {}): RunState {
  return {
    ...{ run: 'r1', pipeline, profiles: { a: { ...profile(), pin: kept } }, plan: { verdict: 'go', verdicts: [] } },
    steps: Object.fromEntries(
      Object.keys(pipeline.steps).map((name) => {
        const end = steps[name] && { ended: { state: steps[name], reason: '', at: 1 } };
        const outputs = end && [{ view: name, kind: 'parquet', where: `/out/${name}`, rows: 1 }];
        return [name, { name, attempts: [], ...end, ...(outputs && { outputs }) }];
      }),
    ),
    ended: { state, reason: '', at: 2 },
    ...more,
  } as unknown as RunState;
}
const later = (state: string, more: Partial<LaterRun> = {}): LaterRun => ({
  ...{ run: 'r2', state, ended: 5, quality: 1 },
  ...more,
});

describe('what a retry can take over', () => {
  test('a failed or cancelled run hands over its measures and snapshots', () => {
    expect(reusable(ended('failed'), pipeline, [])).toMatchObject({ profiles: { a: { pin: kept } }, steps: [] });
    expect(reusable(ended('cancelled'), pipeline, [])).toMatchObject({ profiles: { a: { pin: kept } } });
  });

  test('a run that published, or that never came to its first step, hands over nothing', () => {
    expect(reusable(ended('succeeded'), pipeline, [])).toMatch(/^run r1 is succeeded/);
    expect(reusable(ended('degraded'), pipeline, [])).toMatch(/^run r1 is degraded/);
    expect(reusable({ ...ended('failed'), ended: undefined } as never, pipeline, [])).toMatch(/^run r1 is under way/);
    expect(reusable(ended('failed', {}, { plan: undefined }), pipeline, [])).toMatch(/has no plan/);
    expect(reusable(ended('failed', {}, { profiles: undefined }), pipeline, [])).toMatch(/has no plan/);
  });

  test('rows that failed a check are measured again; rows that a refused step was planned with are not', () => {
    const failed = { verdict: 'fail', verdicts: [{ outcome: 'warn' }, { outcome: 'fail' }] };
    expect(reusable(ended('failed', {}, { plan: failed }), pipeline, [])).toMatch(/that could succeed/);
    const refused = { verdict: 'fail', verdicts: [{ outcome: 'warn' }] };
    expect(reusable(ended('failed', {}, { plan: refused }), pipeline, [])).toBeTypeOf('object');
  });

  test('rows are not read again that a later run may have overtaken', () => {
    for (const state of ['succeeded', 'degraded', 'failed', 'cancelled'])
      expect(reusable(ended('failed'), pipeline, [later(state)]), state).toBe('run r2 has come since');
    const running = { ended: undefined, quality: undefined };
    expect(reusable(ended('failed'), pipeline, [later('running', running)])).toBe('run r2 has come since');
    // These have changed nothing.
    for (const each of [later('skipped'), later('failed', { quality: undefined })])
      expect(reusable(ended('failed'), pipeline, [each])).toBeTypeOf('object');
  });

  test('other sources or checks are measured again; other steps are not', () => {
    const file = (more: object) => ({ ...pipeline, ...more }) as Pipeline;
    expect(reusable(ended('failed'), file({ sources: { a: { ...source, key: 'x' } } }), [])).toMatch(/the sources of/);
    expect(reusable(ended('failed'), file({ checks: [{ name: 'c' }] }), [])).toMatch(/the checks of/);
    expect(reusable(ended('failed'), file({ steps: { first: {} } }), [])).toBeTypeOf('object');
  });

  test('a source without a snapshot is measured again', () => {
    const profiles = { a: { ...profile(), pin: kept }, big: { ...profile(), pin: { kind: 'csv' } } };
    expect(reusable(ended('failed', {}, { profiles }), pipeline, [])).toBe('source big has no snapshot');
  });
});

describe('from a step', () => {
  const reused = (steps: Readonly<Record<string, StepEnd>>, fromStep: string, now: object = {}): string[] => {
    const found = reusable(ended('failed', steps), { ...pipeline, ...now } as Pipeline, [], fromStep);
    if (typeof found === 'string') throw new Error(found);
    return found.steps.map(({ step }) => step);
  };

  test('the step, its fallback and what depends on it are computed again, and what had not succeeded', () => {
    const all = {
      first: 'succeeded',
      marts: 'failed',
      simple: 'failed',
      report: 'skipped',
      other: 'succeeded',
    } as const;
    expect(reused(all, 'marts')).toEqual(['first', 'other']);
    expect(reused(all, 'first')).toEqual(['other']);
    expect(reused({ ...all, other: 'failed' }, 'marts')).toEqual(['first']);
    expect(reused({ ...all, marts: 'degraded', simple: 'succeeded', report: 'failed' }, 'report')).toEqual([
      ...['first', 'marts', 'simple', 'other'],
    ]);
    expect(reused({ ...all, marts: 'degraded', simple: 'succeeded', report: 'failed' }, 'marts')).toEqual([
      ...['first', 'other'],
    ]);
  });

  test('what depends on a step that is new, or was skipped by other words, is computed again', () => {
    const all = {
      first: 'succeeded',
      marts: 'succeeded',
      report: 'failed',
      other: 'succeeded',
      simple: 'skipped',
    } as const;
    expect(reused(all, 'report')).toEqual(['first', 'marts', 'other']);
    const clean = { ...pipeline.steps, clean: { needs: ['first'] }, other: { needs: ['clean'] } };
    expect(reused(all, 'report', { steps: clean })).toEqual(['first', 'marts']);
    const skipped = { ...all, other: 'skipped', marts: 'succeeded' } as const;
    const needing = (condition: object) => ({
      ...pipeline.steps,
      other: condition,
      marts: { needs: ['first', 'other'] },
    });
    expect(reused(skipped, 'report', { steps: needing({}) })).toEqual(['first', 'marts']);
    expect(reused(skipped, 'report', { steps: needing({ if: 'true' }) })).toEqual(['first']);
  });

  test('outputs and answers stand as they were, and name the run that computed them, also in a retry of a retry', () => {
    const state = ended('failed', { first: 'succeeded' });
    Object.assign(state.steps.first as object, { attempts: [{ answer: { status: 200, body: { id: 7 } } }] });
    const [first] = (reusable(state, pipeline, [], 'marts') as Exclude<ReturnType<typeof reusable>, string>).steps;
    expect(first).toMatchObject({
      from: 'r1',
      state: 'succeeded',
      outputs: [{ view: 'first' }],
      answer: { body: { id: 7 } },
    });
    Object.assign(state.steps.first as object, {
      attempts: [],
      reused: { from: 'r0', reason: 'done', answer: { body: 8 } },
    });
    const [again] = (reusable(state, pipeline, [], 'marts') as Exclude<ReturnType<typeof reusable>, string>).steps;
    expect(again).toMatchObject({ from: 'r0', answer: { body: 8 } });
  });

  test('an unknown step is named with those that there are, and a fallback with its step', () => {
    expect(stepProblem(pipeline, 'mart')).toEqual({
      message: 'the pipeline has no step "mart" — did you mean "marts"?',
      hint: 'its steps are first, marts, simple, report, other',
    });
    expect(stepProblem(pipeline, 'simple')?.hint).toBe('begin from step marts');
    for (const name of ['__proto__', 'constructor', ''])
      expect(stepProblem(pipeline, name)?.message).toMatch(/no step/);
    expect(stepProblem(pipeline, 'marts')).toBeUndefined();
  });
});

test('one run of a pipeline keeps its inputs: the last one that had work and did not finish it', () => {
  expect(keepsInputs(ended('failed'), [])).toBe(true);
  expect(keepsInputs(ended('cancelled'), [later('running', { ended: undefined, quality: undefined })])).toBe(true);
  expect(keepsInputs(ended('failed'), [later('skipped')])).toBe(true);
  expect(keepsInputs(ended('failed'), [later('failed')])).toBe(false);
  expect(keepsInputs(ended('succeeded'), [])).toBe(false);
  expect(keepsInputs(ended('failed', {}, { plan: { verdict: 'fail', verdicts: [{ outcome: 'fail' }] } }), [])).toBe(
    false,
  );
});
