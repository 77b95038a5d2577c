import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { sqlOf } from '../../adapters/runner/workspace.ts';
import { openDuck } from '../../clients/duckdb.ts';
import type { Pipeline, Step } from '../../domain/pipeline.ts';
import type { Plan, PlannedStep } from '../../domain/plan.ts';
import type { BatchBackend } from '../../domain/ports/backend.ts';
import type { CheckedProfiles } from '../../domain/profile.ts';
import type { RunnerResult } from '../../domain/result.ts';
import { execute } from '../../embedded/execute.ts';
import { rejected } from '../../lib/errors.ts';
import { below } from '../../lib/uri.ts';
import { loadOf, makePlan } from '../../planning/plan.ts';
import { sizeJob } from '../../planning/sizing.ts';
import { checkRows } from '../../snapshot/row-checks.ts';
import { partFiles } from '../../snapshot/snapshot.ts';
import { placeOf, runCompared } from '../comparisons.ts';
import { type Adapters, folderOf, rowCheckOptionsOf, snapshotsIn } from '../wiring.ts';
import { profilesOf } from './given.ts';
import { differenceOf, rowsOf } from './rows.ts';
import type { PipelineTest, Row, TestFile, TestOutcome } from './schema.ts';

/** A cluster for plans of a few rows. */
const cluster = { cores: 2, largestMb: 4096 };
const memoryMb = 512;

export interface TestOptions {
  readonly file: TestFile;
  /** Spark, when the tests are to run there; the embedded engine otherwise. */
  readonly spark: BatchBackend | undefined;
  readonly stopped: () => string | undefined;
}

/** Runs one test: measures the given rows, plans, runs the SQL of the expected views, and compares. */
export async function runTest(
  adapters: Adapters,
  pipeline: Pipeline,
  test: PipelineTest,
  options: TestOptions,
): Promise<TestOutcome> {
  const { context } = adapters;
  const started = performance.now();
  const folder = folderOf(context.project, `test-${randomBytes(6).toString('hex')}`);
  try {
    const given = { ...options.file.given, ...test.given };
    const where = { scratch: context.scratch, snapshots: snapshotsIn(context, folder) };
    const measured = await profilesOf(pipeline, given, options.file.schemas, where);
    // Repaired rows of real runs are none of a test's.
    const checks = { ...rowCheckOptionsOf(context, pipeline, folder), repairs: below(folder, 'repairs') };
    const checked = await checkRows(pipeline, measured, checks);
    const now = test.now === undefined ? Date.now() : Date.parse(test.now);
    const plan = makePlan(pipeline, checked, cluster, now);
    const views = await viewsOf(adapters, pipeline, checked, plan, test, folder, options);
    const differences = [...decisions(test, checked, plan), ...views.differences];
    return { name: test.name, seconds: (performance.now() - started) / 1000, differences, actual: views.actual };
  } finally {
    await context.storage.remove(folder);
  }
}

/** Differences of branch, checks and quarantined rows. */
function decisions({ expect }: PipelineTest, { profiles }: CheckedProfiles, plan: Plan): string[] {
  const differences: string[] = [];
  if (expect.branch !== undefined && (plan.choice.branch ?? null) !== expect.branch)
    differences.push(
      `branch: expected ${expect.branch ?? 'none'}, but it is ${plan.choice.branch ?? 'none'}: ${plan.choice.reason}`,
    );
  for (const [name, wanted] of Object.entries(expect.checks ?? {})) {
    const verdict = plan.verdicts.find((each) => each.name === name);
    if (!verdict) throw rejected(`expect: the pipeline has no check "${name}"`);
    if (verdict.outcome !== wanted)
      differences.push(`check "${name}": expected ${wanted}, but it is ${verdict.outcome}: ${verdict.because}`);
  }
  for (const [name, wanted] of Object.entries(expect.invalid ?? {})) {
    const { measures } = profiles[name] ?? {};
    if (!measures) throw rejected(`expect: the pipeline has no source ${name}`);
    const reasons = Object.entries(measures.invalidByReason).map(([reason, n]) => `${reason} ${n}`);
    if (measures.invalid !== wanted)
      differences.push(
        `${name}: expected ${wanted} invalid rows, but there are ${measures.invalid} (${reasons.join(', ')})`,
      );
  }
  return differences;
}

/** Runs the steps of the expected views, and compares their rows. */
async function viewsOf(
  adapters: Adapters,
  pipeline: Pipeline,
  checked: CheckedProfiles,
  plan: Plan,
  { expect }: PipelineTest,
  folder: string,
  options: TestOptions,
): Promise<Pick<TestOutcome, 'differences' | 'actual'>> {
  const { context } = adapters;
  const wanted = Object.keys(expect.views ?? {});
  const steps = stepsOf(pipeline, plan, wanted, expect.error !== undefined);
  const differences: string[] = [];
  const actual: Record<string, readonly Row[]> = {};
  for (const [name, { step, views }] of steps) {
    const at = below(folder, name);
    const { error } = await compute(adapters, pipeline, checked, step, views, at, options);
    if (error || expect.error !== undefined) {
      const message = error?.message.split('\n', 1)[0] ?? 'it succeeds';
      if (expect.error === undefined || !error?.message.includes(expect.error))
        differences.push(
          `step ${name}: ${expect.error === undefined ? '' : `expected an error with "${expect.error}": `}${message}`,
        );
      continue;
    }
    for (const view of views) {
      const files = await partFiles(context.storage, placeOf(at, view));
      const duck = await openDuck(context.scratch, files);
      try {
        const rows = expect.views?.[view] ?? [];
        const found = await differenceOf(duck, view, files, rows);
        differences.push(...found);
        if (found.length > 0) actual[view] = await rowsOf(duck, files, rows);
      } finally {
        await duck.close();
      }
    }
  }
  return { differences, actual };
}

/** A test may ask for the rows of a view although its branch does not run that step. */
const order: readonly PlannedStep['role'][] = ['run', 'later', 'skip', 'fallback'];

/** The steps that make the wanted views: of several, the first that the plan runs. */
function stepsOf(pipeline: Pipeline, { steps }: Plan, wanted: readonly string[], all: boolean) {
  const found = new Map<string, { readonly step: Step; readonly views: string[] }>();
  const ordered = Object.entries(pipeline.steps)
    .filter(([, { spark }]) => spark)
    .toSorted(([a], [b]) => order.indexOf(steps[a]?.role ?? 'skip') - order.indexOf(steps[b]?.role ?? 'skip'));
  for (const view of wanted) {
    const [name, step] = ordered.find(([, { outputs }]) => outputs.some(({ views }) => views.includes(view))) ?? [];
    if (name === undefined || !step) throw rejected(`expect: no Spark step has the view ${view} in its outputs`);
    const known = found.get(name) ?? { step, views: [] };
    known.views.push(view);
    found.set(name, known);
  }
  const [first] = ordered;
  if (all && found.size === 0 && first)
    found.set(first[0], { step: first[1], views: first[1].outputs.flatMap(({ views }) => views) });
  return found;
}

async function compute(
  { context }: Adapters,
  pipeline: Pipeline,
  checked: CheckedProfiles,
  { spark: job }: Step,
  views: readonly string[],
  folder: string,
  { spark, stopped }: TestOptions,
): Promise<Pick<RunnerResult, 'error'>> {
  if (!job) throw new TypeError('it is no Spark step');
  const { project, storage, scratch } = context;
  const sql = await sqlOf(job, project.root, pipeline);
  const names = job.inputs ?? Object.keys(pipeline.sources);
  const inputs = names.map((name) => ({ name, kind: 'kept', ...checked.profiles[name]?.pin.kept }));
  const key = `sluice-test-${randomBytes(6).toString('hex')}`;
  if (!spark) {
    const outputs = views.map((view) => ({ view, kind: 'parquet', place: placeOf(folder, view) }));
    return execute({ key, sql, inputs, outputs }, { storage, scratch: join(scratch, key), memoryMb, threads: 1 });
  }
  const { settings } = sizeJob(job, loadOf(pipeline, checked.profiles, job), cluster);
  return runCompared(spark, storage, { key, folder, sql, inputs, views, settings }, stopped);
}
