/** One figure: pairs of measurements, and the target of their ratio. */
export interface Comparison {
  readonly name: string;
  /** The measurements of both sides; seconds unless `unit` differs. */
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
  readonly unit?: string;
  readonly atMost: number;
  /** The name of the other side. */
  readonly against: string;
}

export interface Summary {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export function summary(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  const median = ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
  return { min: at(0), median, max: at(1) };
}

/** The ratios of a comparison's pairs, and whether their median meets the target. */
export function ratios({ ours, theirs, atMost }: Comparison): Summary & { readonly reached: boolean } {
  const all = summary(ours.map((value, i) => value / (theirs[i] as number)));
  return { ...all, reached: all.median <= atMost };
}

/** Measures `a` and `b` alternately, in swapped order each time, so that noise affects both. */
export async function alternating<A, B>(
  times: number,
  a: () => Promise<A>,
  b: () => Promise<B>,
): Promise<{ a: A[]; b: B[] }> {
  const found = { a: [] as A[], b: [] as B[] };
  for (let i = 0; i < times; i++) {
    if (i % 2 === 0) found.a.push(await a());
    found.b.push(await b());
    if (i % 2 === 1) found.a.push(await a());
  }
  return found;
}

/** Measures several contenders in rounds; another one begins each round, so that noise affects all. */
export async function inRounds<K extends string, T>(
  times: number,
  contenders: Readonly<Record<K, () => Promise<T>>>,
): Promise<Record<K, T[]>> {
  const names = Object.keys(contenders) as K[];
  const found = Object.fromEntries(names.map((name) => [name, [] as T[]])) as Record<K, T[]>;
  for (let round = 0; round < times; round++)
    for (let i = 0; i < names.length; i++) {
      const name = names[(round + i) % names.length] as K;
      found[name].push(await contenders[name]());
    }
  return found;
}

const shown = (n: number): string => (n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n.toFixed(n >= 1 ? 2 : 3));

/** A Markdown table of comparisons. */
export function table(comparisons: readonly Comparison[]): string[] {
  const head = ['what', 'ours', 'against', 'theirs', 'pairs', 'min', 'median', 'max', 'at most', ''];
  const rows = comparisons.map((each) => {
    const { unit = 's' } = each;
    const { min, median, max, reached } = ratios(each);
    return [
      each.name,
      `${shown(summary(each.ours).median)} ${unit}`,
      each.against,
      `${shown(summary(each.theirs).median)} ${unit}`,
      String(each.ours.length),
      ...[min, median, max].map((n) => n.toFixed(2)),
      each.atMost.toFixed(2),
      reached ? 'reached' : '**missed**',
    ];
  });
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 || i === 2 || i === 9 ? '---' : '---:'))), ...rows.map(line)];
}
