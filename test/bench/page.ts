import { availableParallelism, totalmem } from 'node:os';
import { type Comparison, ratios, table } from './compare.ts';

/** The page of the results, docs/benchmarks.md. */
export function benchmarksPage(comparisons: readonly Comparison[], leftOut: readonly string[]): string {
  const without = leftOut.length === 0 ? '' : ` Parts that were left out this time: ${leftOut.join(', ')}.`;
  const memory = Math.round(totalmem() / 2 ** 30);
  const missed = comparisons.filter((each) => !ratios(each).reached).length;
  return `# Benchmarks

Written by \`npm run bench\`: ${availableParallelism()} cores, ${memory} GiB; Sluice and its contender in turns, the order swapped every time. Pairs are of one run each. Columns min, median and max are of the pairs' ratios; seconds are medians. ${missed === 0 ? 'All were reached' : `${missed} of ${comparisons.length} ${missed === 1 ? 'was' : 'were'} missed`}.${without}

${table(comparisons).join('\n')}

The plain jobs do the same without Sluice, by \`spark-submit\`, as three authors write them: the defaults of Spark on the first day (PlainJobs.java in spark-jobs/src/test/java/sluice/bench: CSV with an inferred schema, tables whole by JDBC, not cached); a good engineer (TunedJobs.java: a declared schema, tables by two connections, what is used twice is persisted, 8 shuffle partitions, batched INSERT); an expert of Spark (COPY instead of INSERT, beside the next view, 2 partitions, no adaptive execution, C1 and the serial collector, no UI). A plain job counts as a whole, from the command to its end. "The Spark part" is a step of a run from its intent to its known end, Livy included; "the whole run" is \`sluice run\`: measuring, deciding, the job, audit, publishing, report, mail. On the embedded engine the job is DuckDB's. "Measuring" keeps the rows as Parquet too. Where a limit is given, the ratio is to that limit.
`;
}
