import type { Total } from '../../domain/totals.ts';

/** The time that is looked back. Milliseconds. */
const windowMs = 3_600_000;

/** By how much a total has grown lately. */
export interface Increase {
  readonly of: string;
  readonly n: number;
}

/** What totals were within the last hour, as far as this process has seen them. */
export class Recent {
  private readonly key: (total: Total) => string | undefined;
  private seen: { readonly at: number; readonly sums: ReadonlyMap<string, number> }[] = [];

  /** `key` groups totals; those without one are left out. */
  constructor(key: (total: Total) => string | undefined) {
    this.key = key;
  }

  /** Takes the totals of a time, in milliseconds since 1970. Returns by how much each group has grown within an hour. */
  add(at: number, totals: readonly Total[]): Increase[] {
    const sums = new Map<string, number>();
    for (const total of totals) {
      const key = this.key(total);
      if (key !== undefined) sums.set(key, (sums.get(key) ?? 0) + total.n);
    }
    // The clock of the store may have been set back.
    this.seen = [...this.seen.filter((each) => each.at <= at), { at, sums }];
    // The last one that is an hour old says what was there before.
    while ((this.seen[1]?.at ?? Number.POSITIVE_INFINITY) <= at - windowMs) this.seen.shift();
    const first = this.seen[0]?.sums;
    return [...sums].map(([of, n]) => ({ of, n: n - (first?.get(of) ?? 0) }));
  }

  /** Whether it has seen a whole hour. */
  isWhole(at: number): boolean {
    return (this.seen[0]?.at ?? at) <= at - windowMs;
  }
}
