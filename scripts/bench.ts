import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { alternating, type Comparison, inRounds, ratios, table } from '../test/bench/compare.ts';
import { type Part, parts } from '../test/bench/figures.ts';
import { peakOf } from '../test/bench/peaks.ts';
import { type Limits, type Measured, reportComparisons } from '../test/bench/report.ts';
import { saveComparisons, saveScaleRun } from '../test/bench/save.ts';
import { scaleRuns } from '../test/bench/scale.ts';
import type { Author, Run } from '../test/bench/stack.ts';
import { setup } from '../test/stack.ts';

/**
 * `npm run bench`: the cost and the savings of Sluice, measured alternately with plain spark-submit on a separate
 * stack.
 */
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    rows: { type: 'string', default: '1000000' },
    times: { type: 'string', default: '10' },
    'large-runs': { type: 'string' },
    sizes: { type: 'string', default: '1000,10000,100000,1000000,10000000,30000000,100000000' },
    only: { type: 'string', multiple: true },
    page: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(
    `npm run bench -- [--runs 5] [--rows 1000000] [--times 10] [--large-runs 5] [--sizes 1000,…] [--only PART]... [--page]
Measures Sluice and plain spark-submit in turns and prints the ratios; all parts together, or those of --only with --page, are written to docs/benchmarks.md.
Parts: ${parts.join(', ')}. --times: how much larger the large data is; --large-runs: pairs of runs of it, if not as many; --sizes: rows of the curve. Takes about three hours on two cores, 100 000 000 rows of the curve half of it.`,
  );
  process.exit(0);
}
const [runs, rows, times] = [Number(values.runs), Number(values.rows), Number(values.times)];
const largeRuns = Number(values['large-runs'] ?? runs);
const sizes = values.sizes.split(',').map(Number);
const only = (values.only ?? parts) as readonly Part[];
if (
  ![runs, rows, times, largeRuns, ...sizes].every((n) => Number.isInteger(n) && n > 0) ||
  only.some((part) => !parts.includes(part))
) {
  console.error(
    `error --runs, --rows, --times, --large-runs and --sizes are whole numbers from 1 on; parts are ${parts.join(', ')}`,
  );
  process.exit(2);
}

const down = await setup();
process.once('SIGINT', () => process.exit(130));
const { authors, fill, livyTimes, plain, run, runEmbedded, runReport, sums, timed } = await import(
  '../test/bench/stack.ts'
);
const { historyComparisons } = await import('../test/bench/history.ts');
const { serveComparisons } = await import('../test/bench/serve.ts');
const { pageComparisons } = await import('../test/bench/serve-pages.ts');
const { standbyComparisons } = await import('../test/bench/standby.ts');
const { main, project } = await import('../test/integration/world.ts');
const comparisons: (Comparison & { readonly part: Part })[] = [];
const isKept = values.only === undefined || values.page;
const say = (text: string): void => console.log(text);

/** Adds a comparison to the table and prints its result. */
function found(part: Part, comparison: Comparison): void {
  comparisons.push({ part, ...comparison });
  const { min, median, max, reached } = ratios(comparison);
  const figures = `${min.toFixed(2)} / ${median.toFixed(2)} / ${max.toFixed(2)}`;
  say(
    `${comparison.name}: ${figures} of ${comparison.against}, at most ${comparison.atMost}: ${reached ? 'reached' : 'missed'}`,
  );
  // Results are saved now, in case the rest takes too long.
  const own = comparisons.filter((each) => each.part === part).map(({ part: _, ...each }) => each);
  if (isKept) saveComparisons(part, own);
}

/** The limit as the other side of a comparison, for figures that are not ratios. */
const against = (limit: number, n: number): number[] => Array.from({ length: n }, () => limit);
const told = async (what: string, work: () => Promise<number>): Promise<number> => {
  const seconds = await work();
  say(`  ${what}: ${seconds.toFixed(2)} s`);
  return seconds;
};

async function help(): Promise<void> {
  const { a, b } = await alternating(
    15,
    () => timed(process.execPath, [main, '--help']),
    () => timed(process.execPath, ['-e', '0']),
  );
  found('help', { name: '`sluice --help`', ours: a, theirs: b, against: 'an empty `node -e 0`', atMost: 5 });
}

async function noop(): Promise<void> {
  const file = await sums('noop', 1);
  const { a, b } = await alternating(
    runs,
    () => told('no-op through Sluice and Livy', async () => (await run(file)).spark),
    () => told('no-op by spark-submit', () => plain('noop')),
  );
  found('noop', {
    name: 'a no-op job, from submission to known end',
    ours: a,
    theirs: b,
    against: '`spark-submit`',
    atMost: 0.42,
  });
}

async function steps(): Promise<void> {
  const { root } = await project();
  const own = join(import.meta.dirname, '../test/bench/steps.ts');
  const ours: number[] = [];
  for (let i = 0; i < runs; i++) {
    const { stdout } = await execa(process.execPath, ['--import', 'tsx', own, root]);
    ours.push((JSON.parse(stdout) as { ms: number }).ms);
  }
  const limit = against(30, runs);
  found('steps', {
    name: 'a step of Sluice’s own, the store included',
    ours,
    theirs: limit,
    unit: 'ms',
    against: 'a limit',
    atMost: 1,
  });
}

async function livy(): Promise<void> {
  const file = await sums('four', 4);
  const over: number[] = [];
  for (let i = 0; i < runs; i++) {
    let last: Awaited<ReturnType<typeof run>> | undefined;
    const own = await livyTimes(async () => {
      last = await run(file);
    });
    const attempts = last?.doc.steps.flatMap((step) => step.attempts) ?? [];
    const [first, end] = [attempts[0]?.started ?? '', attempts.at(-1)?.ended ?? ''];
    const whole = (Date.parse(end) - Date.parse(first)) / 1000;
    const batches = attempts.reduce((sum, { key }) => sum + (own.get(key) ?? Number.NaN), 0);
    say(`  four steps: ${whole.toFixed(2)} s, of which Livy's batches ${batches.toFixed(2)} s`);
    over.push(whole - batches);
  }
  const limit = against(0.15, runs);
  found('livy', {
    name: 'four steps through Livy, over Livy’s own time',
    ours: over,
    theirs: limit,
    against: 'a limit',
    atMost: 1,
  });
}

/** Runs of customer-report and of the plain jobs over as many rows, in rounds. */
async function report(n: number, rounds: number, against: readonly Author[]): Promise<Measured> {
  say(`making ${n} rows; load ${loadavg()[0]?.toFixed(1)}`);
  await fill(n);
  await runReport();
  const own = async (what: string, work: () => Promise<Run>): Promise<Run> => {
    const done = await work();
    const parts = `the job ${done.spark.toFixed(1)} s, measuring ${done.measuring.toFixed(1)} s`;
    say(`  ${n} rows ${what}: ${done.whole.toFixed(1)} s, of which ${parts}; ${done.memory.toFixed(0)} MiB`);
    return done;
  };
  const plainly = (author: Author) => () => told(`${n} rows, plain job (${author})`, () => plain('report', author));
  const found = await inRounds<string, Run | number>(rounds, {
    spark: () => own('on Spark', runReport),
    embedded: () => own('on the embedded engine', runEmbedded),
    ...Object.fromEntries(against.map((author) => [author, plainly(author)])),
  });
  const plainJobs = Object.fromEntries(authors.map((author) => [author, (found[author] ?? []) as number[]]));
  const { spark = [], embedded = [] } = found as Record<string, Run[]>;
  return { spark, embedded, plain: plainJobs as Record<Author, number[]> };
}

/** Adds the figures of such rounds. */
function reportFigures(part: Part, n: number, measured: Measured, limits: Limits): void {
  for (const each of reportComparisons(n, measured, limits)) found(part, each);
}

try {
  if (only.includes('help')) await help();
  if (only.includes('noop')) await noop();
  if (only.includes('steps')) await steps();
  if (only.includes('livy')) await livy();
  if (only.includes('history')) for await (const each of historyComparisons(Math.max(runs, 5))) found('history', each);
  if (only.includes('serve')) for await (const each of serveComparisons()) found('serve', each);
  if (only.includes('pages')) for await (const each of pageComparisons()) found('pages', each);
  if (only.includes('tiny')) {
    const tiny = await report(1000, runs, ['expert']);
    reportFigures('tiny', 1000, tiny, { expert: { embedded: 0.1 } });
  }
  let small: Measured | undefined;
  if (only.includes('report') || only.includes('large')) {
    small = await report(rows, runs, authors);
    reportFigures('report', rows, small, {
      expert: { spark: 0.45, whole: 0.65, embedded: 0.25 },
      fair: { spark: 0.4, whole: 0.6 },
      defaults: { spark: 0.25, whole: 0.4 },
    });
  }
  if (only.includes('standby')) for (const each of await standbyComparisons(rows, runs)) found('standby', each);
  if (only.includes('count')) {
    if (!small) await fill(rows);
    const { a, b } = await alternating(
      runs,
      async () => (await runReport()).measuring,
      () => told('counting by Spark', () => plain('count')),
    );
    found('count', {
      name: `measuring ${rows} rows of five sources`,
      ours: a,
      theirs: b,
      against: 'Spark counting the same',
      atMost: 0.15,
    });
  }
  if (only.includes('large') && small) {
    const large = await report(rows * times, largeRuns, ['expert']);
    reportFigures('large', rows * times, large, { expert: { spark: 0.55, embedded: 0.55 } });
    const [few, many] = [small.spark.slice(0, large.spark.length), large.spark];
    const of = (what: 'spark' | 'memory') => ({
      ours: many.map((each: Run) => each[what]),
      theirs: few.map((each: Run) => each[what]),
      against: `${rows} rows`,
    });
    const name = `${times} times the rows`;
    found('large', { name: `${name}: the Spark part`, ...of('spark'), atMost: 5 });
    found('large', { name: `${name}: the controller’s memory`, ...of('memory'), unit: 'MiB', atMost: 1.4 });
  }
  if (only.includes('scale')) {
    const before = new Set<string>();
    for await (const run of scaleRuns(sizes, runs)) {
      const parts = `the job ${run.job.toFixed(1)} s, measuring ${run.measuring.toFixed(1)} s`;
      say(
        `  ${run.rows} rows, ${run.engine}: ${run.whole.toFixed(1)} s, of which ${parts}; at most ${peakOf(run.peaks)} MiB`,
      );
      const point = `${run.rows} ${run.engine}`;
      if (isKept) saveScaleRun(run, before.has(point));
      before.add(point);
    }
  }
  for (const line of table(comparisons)) say(line);
} finally {
  await down();
}
