import type { Comparison } from './compare.ts';
import type { Author, Run } from './stack.ts';

/** Rounds of customer-report on both engines, and of the plain jobs in seconds. */
export interface Measured {
  readonly spark: readonly Run[];
  readonly embedded: readonly Run[];
  readonly plain: Readonly<Record<Author, readonly number[]>>;
}

/** The targets against each plain job; what has none is left out. */
export type Limits = Partial<
  Record<Author, { readonly spark?: number; readonly whole?: number; readonly embedded?: number }>
>;

const jobs: Readonly<Record<Author, string>> = {
  expert: 'the plain job of an expert',
  fair: 'the plain job of a good engineer',
  defaults: 'the plain job with defaults',
};

/** The comparisons of such rounds over `n` rows. */
export function reportComparisons(n: number, { spark, embedded, plain }: Measured, limits: Limits): Comparison[] {
  return Object.entries(limits).flatMap(([name, limit]) => {
    const author = name as Author;
    const theirs = plain[author];
    const compare = (what: string, ours: readonly number[], atMost: number | undefined): Comparison[] =>
      atMost === undefined || theirs.length === 0
        ? []
        : [{ name: `customer-report, ${n} rows: ${what}`, ours, theirs, against: jobs[author], atMost }];
    const whole = (runs: readonly Run[]): number[] => runs.map((each) => each.whole);
    return [
      ...compare(
        'the Spark part',
        spark.map((each) => each.spark),
        limit.spark,
      ),
      ...compare('the whole run', whole(spark), limit.whole),
      ...compare('the whole run on the embedded engine', whole(embedded), limit.embedded),
    ];
  });
}
