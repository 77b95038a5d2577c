import { availableParallelism, totalmem } from 'node:os';
import { ratios, summary, table } from './compare.ts';
import { type Figures, parts } from './figures.ts';
import { peakOf, type Role, runParts } from './peaks.ts';
import { engines, type ScaleRun } from './scale.ts';

/** The page of the results, docs/benchmarks.md. */
export function benchmarksPage({ parts: found, scale }: Figures): string {
  const comparisons = parts.flatMap((part) => found[part]?.comparisons ?? []);
  const memory = Math.round(totalmem() / 2 ** 30);
  const missed = comparisons.filter((each) => !ratios(each).reached).length;
  const days = parts.flatMap((part) => (found[part] ? [`${part} ${found[part].day}`] : []));
  return `# Benchmarks

Written by \`npm run bench\`: ${availableParallelism()} cores, ${memory} GiB; Sluice and its contender in turns, the order swapped every time. Pairs are of one run each. Columns min, median and max are of the pairs' ratios; seconds are medians. ${missed === 0 ? 'All were reached' : `${missed} of ${comparisons.length} ${missed === 1 ? 'was' : 'were'} missed`}. Measured: ${days.join(', ')}.

${table(comparisons).join('\n')}

The plain jobs do the same without Sluice, by \`spark-submit\`, as three authors write them: the defaults of Spark on the first day (PlainJobs.java in spark-jobs/src/test/java/sluice/bench: CSV with an inferred schema, tables whole by JDBC, not cached); a good engineer (TunedJobs.java: a declared schema, tables by two connections, what is used twice is persisted, 8 shuffle partitions, batched INSERT); an expert of Spark (COPY instead of INSERT, beside the next view, 2 partitions, no adaptive execution, C1 and the serial collector, no UI). A plain job counts as a whole, from the command to its end. "The Spark part" is a step of a run from its intent to its known end, Livy included; "the whole run" is \`sluice run\`: measuring, deciding, the job, audit, publishing, report, mail. On the embedded engine the job is DuckDB's. "Measuring" keeps the rows as Parquet too. Where a limit is given, the ratio is to that limit.
${scale.length === 0 ? '' : scaleSection(scale)}`;
}

const thousands = (n: number): string => n.toLocaleString('en').replaceAll(',', ' ');
const shown = (seconds: number): string => seconds.toFixed(seconds < 100 ? 1 : 0);

/** Medians of customer-report by rows and engine, with the peaks of each part. */
function scaleSection(scale: readonly ScaleRun[]): string {
  const sizes = [...new Set(scale.map(({ rows }) => rows))];
  const lines = sizes.flatMap((rows) =>
    engines.flatMap((engine) => {
      const own = scale.filter((run) => run.rows === rows && run.engine === engine);
      if (own.length === 0) return [];
      const median = (figure: (run: ScaleRun) => number): number => summary(own.map(figure)).median;
      const peaks = runParts.map((part) => {
        const roles = [...new Set(own.flatMap(({ peaks }) => Object.keys(peaks[part])))] as Role[];
        return roles.map((role) => `${role} ${Math.round(median(({ peaks }) => peaks[part][role] ?? 0))}`).join(', ');
      });
      const load = median((run) => run.load).toFixed(1);
      const seconds = [
        ({ whole }: ScaleRun) => whole,
        ({ measuring }: ScaleRun) => measuring,
        ({ job }: ScaleRun) => job,
      ];
      const attempts = Math.max(...own.map((run) => run.attempts ?? Number.NaN));
      const cells = [
        thousands(rows),
        engine,
        String(own.length),
        Number.isNaN(attempts) ? 'not noted' : String(attempts),
        ...seconds.map((each) => shown(median(each))),
      ];
      return [
        `| ${[...cells, ...peaks, String(Math.round(median(({ peaks }) => peakOf(peaks)))), load].join(' | ')} |`,
      ];
    }),
  );
  return `
## From a thousand rows to a hundred million

![Time and memory by rows](benchmarks-scale.svg)

customer-report on both engines with 4 GiB for an executor and for DuckDB each, whatever the input. Seconds are medians of the whole run, of its measuring and of its job; the other columns are the largest proportional set sizes of each process while that part of the run lasted, in MiB, and the largest sum. Load is that of the machine when the run began, just after the sources were filled.

| rows | engine | runs | attempts | whole | measuring | job | MiB while measuring | while the job runs | while publishing | while reporting | most | load |
| ---: | --- | ---: | ---: | ---: | ---: | ---: | --- | --- | --- | --- | ---: | ---: |
${lines.join('\n')}

${crossover(sizes, scale)}
`;
}

/** Where Spark becomes the faster one. */
function crossover(sizes: readonly number[], scale: readonly ScaleRun[]): string {
  const whole = (rows: number, engine: ScaleRun['engine']): number =>
    summary(scale.filter((run) => run.rows === rows && run.engine === engine).map((run) => run.whole)).median;
  const first = sizes.find((rows) => whole(rows, 'spark') < whole(rows, 'embedded'));
  return first === undefined
    ? 'The curves do not cross: on the same cores the embedded engine was the faster one at every size.'
    : `The curves cross: Spark was the faster one from ${thousands(first)} rows on.`;
}
