/**
 * What is known of a pair of SQL and schemas: whether the embedded engine computes from it what Spark computes. A change
 * of the SQL, of a column's type or of the engine's translation is another pair.
 */
export interface Proof {
  /** Identifies the pair. */
  readonly pair: string;
  /** Comparisons that were equal, one after the other. */
  readonly equal: number;
  /** `sluice prove` has compared, on generated rows too. */
  readonly proven: boolean;
  /** The last difference. It counts until `sluice prove` succeeds for the pair. */
  readonly difference?: string;
}

/** Equal runs of both engines that count as a proof. */
export const enoughShadows = 3;

export const isProven = (proof: Proof | undefined): boolean =>
  proof !== undefined && proof.difference === undefined && (proof.proven || proof.equal >= enoughShadows);

/** A comparison of both engines: by `sluice prove`, or of a run on Spark with its shadow. */
export interface Comparison {
  readonly pair: string;
  readonly by: 'prove' | 'shadow';
  /** How they differ; left out when they are equal. */
  readonly difference?: string;
}

/** What is known of a pair after one more comparison. Pure. */
export function afterComparison(before: Proof | undefined, { pair, by, difference }: Comparison): Proof {
  if (difference !== undefined) return { pair, equal: 0, proven: false, difference };
  if (by === 'prove') return { pair, equal: before?.equal ?? 0, proven: true };
  const { equal = 0, proven = false } = before ?? {};
  const known = before?.difference === undefined ? {} : { difference: before.difference };
  return { pair, equal: equal + 1, proven, ...known };
}
