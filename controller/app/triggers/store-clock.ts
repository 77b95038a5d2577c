/** It may differ so much from a clock that counts evenly before it counts as set. Milliseconds. */
const stepMs = 30_000;
/** Readings that must agree after it was set. */
const agreeing = 3;

/** The store's clock between readings of it. */
export class StoreClock {
  /** How often it was set. */
  steps = 0;
  private readonly monotonic: () => number;
  private offset: number | undefined;
  private disagreeing = 0;

  /** `monotonic` only goes forward, in milliseconds. */
  constructor(monotonic: () => number) {
    this.monotonic = monotonic;
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.monotonic() + (this.offset ?? 0);
  }

  /** Whether it can be relied on. */
  get isSettled(): boolean {
    return this.disagreeing === 0;
  }

  /** Takes a reading. Returns by how many milliseconds the clock was set, undefined if it was not. */
  read(now: number): number | undefined {
    // It was read before the answer came: so ours is never ahead, and nothing starts before it is due.
    const offset = now - this.monotonic();
    const by = offset - (this.offset ?? offset);
    this.offset = offset;
    const isStepped = Math.abs(by) > stepMs;
    this.disagreeing = isStepped ? agreeing : Math.max(0, this.disagreeing - 1);
    if (!isStepped) return undefined;
    this.steps += 1;
    return by;
  }
}
