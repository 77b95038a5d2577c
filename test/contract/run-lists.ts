import { expect, test } from 'vitest';
import type { RunFilter } from '../../controller/domain/ports/run-filter.ts';
import { profile } from '../planning/profiles.ts';
import type { Ready } from './runs.ts';

/** The part of the store's suite about lists of runs. */
export function runListsContract({ store, prefix, add }: Pick<Ready, 'store' | 'prefix' | 'add'>): void {
  test('lists page by page, without gaps or duplicates, and by state', async () => {
    const own = `${prefix}-pages`;
    for (let i = 1; i <= 5; i++) {
      const { lease } = await store().create({ run: `${prefix}-p${i}`, pipeline: own, at: i, events: [] });
      if (i % 2 === 0) await add(lease, i, { events: [], summary: { state: 'failed' } });
    }
    const pages: string[][] = [];
    for (let before: number | undefined; ; ) {
      const page = await store().list({ pipeline: own, limit: 2, ...(before === undefined ? {} : { before }) });
      if (page.length === 0) break;
      pages.push(page.map(({ run }) => run.slice(-2)));
      before = page.at(-1)?.number;
    }
    expect(pages).toEqual([['p5', 'p4'], ['p3', 'p2'], ['p1']]);
    const found = async (filter: Partial<RunFilter>) =>
      (await store().list({ pipeline: own, limit: 9, ...filter })).map(({ run }) => run.slice(-2));
    expect(await found({ states: ['failed'] })).toEqual(['p4', 'p2']);
    expect(await found({ states: ['failed', 'pending'] })).toHaveLength(5);
    expect(await found({ states: [] })).toEqual([]);
    expect(await found({ since: 2, until: 4 })).toEqual(['p3', 'p2']);
  });

  test('lists the newest runs of each of some pipelines', async () => {
    const [a, b, other] = ['a', 'b', 'other'].map((name) => `${prefix}-newest-${name}`) as [string, string, string];
    for (const [i, pipeline] of [a, a, b, other, a].entries())
      await store().create({ run: `${prefix}-w${i}`, pipeline, at: i, events: [] });
    const found = async (pipelines: readonly string[], limit: number) =>
      (await store().newest(pipelines, limit)).map(({ run }) => run.slice(-2));
    expect(await found([a, b], 2)).toEqual(['w4', 'w2', 'w1']);
    expect(await found([b, 'none'], 9)).toEqual(['w2']);
    expect(await found([], 9)).toEqual([]);
  });

  test('counts the starts of runs that meet a filter, by stretches of time and by state', async () => {
    const own = `${prefix}-starts`;
    for (const [i, at] of [1000, 1999, 2000, 5500].entries()) {
      const { lease } = await store().create({ run: `${prefix}-s${i}`, pipeline: own, at, events: [] });
      if (i === 1) await add(lease, at, { events: [], summary: { state: 'failed' } });
    }
    expect(await store().starts({ pipeline: own }, 1000)).toEqual([
      { from: 1000, state: 'failed', runs: 1 },
      { from: 1000, state: 'pending', runs: 1 },
      { from: 2000, state: 'pending', runs: 1 },
      { from: 5000, state: 'pending', runs: 1 },
    ]);
    expect(await store().starts({ pipelines: [`${own}*`], since: 1500, until: 5000 }, 5000)).toEqual([
      { from: 0, state: 'failed', runs: 1 },
      { from: 0, state: 'pending', runs: 1 },
    ]);
    expect(await store().starts({ pipelines: ['none'] }, 1000)).toEqual([]);
  });

  test('lists runs by trigger, by branch, and by how the run or its pipeline begins', async () => {
    const own = `${prefix}-by_%`;
    for (const [i, branch] of ['full', 'daily', 'full'].entries()) {
      const run = `${prefix}-b${i}`;
      const trigger = i < 2 ? { trigger: `nightly'${i}` } : {};
      const { lease } = await store().create({ run, pipeline: own, at: i, events: [], ...trigger });
      await add(lease, i, { events: [], summary: { branch } });
    }
    const found = async (filter: Partial<RunFilter>) =>
      (await store().list({ limit: 9, ...filter })).map(({ run }) => run.slice(-2));
    const pipelineIs = { pipeline: own };
    expect(await found({ ...pipelineIs, trigger: "nightly'1" })).toEqual(['b1']);
    expect(await found({ ...pipelineIs, branch: 'full' })).toEqual(['b2', 'b0']);
    expect(await found({ ...pipelineIs, branch: 'full', trigger: "nightly'0" })).toEqual(['b0']);
    expect(await found({ prefix: `${prefix}-by_%` })).toEqual(['b2', 'b1', 'b0']);
    expect(await found({ prefix: `${prefix}-b1` })).toEqual(['b1']);
    expect(await found({ prefix: `${prefix}-by__` })).toEqual([]);
  });

  test('returns the measures of the last planned runs, the newest first', async () => {
    const own = `${prefix}-measures`;
    const start = async (name: string, of: object, rows: number, end: object): Promise<void> => {
      const run = `${prefix}-${name}`;
      const first = { type: 'run-started', run, file: 'f', pipeline: { name: own, steps: {} }, ...of } as never;
      const { lease } = await store().create({ run, pipeline: own, at: 100, events: [first] });
      const events = [rows - 1, rows].map(
        (n) => ({ type: 'sources-measured', findings: {}, profiles: { a: profile({ rows: n }) } }) as const,
      );
      await add(lease, 150, { events, summary: { branch: '', ...end } });
    };
    const cause = { kind: 'schedule', trigger: 'nightly', time: '2026-11-24T06:00' };
    await start('m0', {}, 2, {});
    await start('m1', { cause }, 10, { state: 'succeeded', ended: 400 });
    await start('m2', { again: { again: true } }, 20, { state: 'failed', ended: 500 });
    await store().create({ run: `${prefix}-m3`, pipeline: own, at: 100, events: [] });
    const found = await store().lastMeasures(own, 2);
    expect(found).toEqual([
      { run: `${prefix}-m2`, at: 150, isFullRefresh: true, measures: { a: profile({ rows: 20 }).measures } },
      {
        run: `${prefix}-m1`,
        at: 150,
        isFullRefresh: false,
        cause,
        ms: 300,
        measures: { a: profile({ rows: 10 }).measures },
      },
    ]);
    expect((await store().lastMeasures(own, 9)).map(({ run }) => run.slice(-2))).toEqual(['m2', 'm1', 'm0']);
    expect(await store().lastMeasures('never-run', 9)).toEqual([]);
  });

  test('lists the pipelines whose names match a pattern, in which other characters stand for themselves', async () => {
    const names = ['x-a_1', 'x-ab1', 'x-%', 'y'].map((name) => `${prefix}-${name}`);
    for (const [i, name] of names.entries())
      await store().create({ run: `${prefix}-glob${i}`, pipeline: name, at: i, events: [] });
    const found = async (...globs: string[]) =>
      (await store().list({ limit: 9, pipelines: globs.map((glob) => `${prefix}-${glob}`) })).map((each) =>
        each.pipeline.slice(prefix.length + 1),
      );
    expect(await found('x-a_1')).toEqual(['x-a_1']);
    expect(await found('x-%')).toEqual(['x-%']);
    expect(await found('x-a*')).toEqual(['x-ab1', 'x-a_1']);
    expect(await found('x-*1', 'y')).toEqual(['y', 'x-ab1', 'x-a_1']);
    expect(await found()).toEqual([]);
  });
}
