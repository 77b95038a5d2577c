interface Timer {
  readonly at: number;
  readonly seq: number;
  readonly ring: () => void;
}

/** Simulated time: it stands still while anything can happen, and then jumps to the next timer. Milliseconds. */
export class Time {
  now = 0;
  private seq = 0;
  /** A binary heap, earliest first; equal times in the order of their setting. */
  private readonly heap: Timer[] = [];

  at(when: number, ring: () => void): void {
    const { heap } = this;
    let i = heap.push({ at: Math.max(when, this.now), seq: this.seq++, ring }) - 1;
    for (let up = (i - 1) >> 1; i > 0 && this.before(i, up); i = up, up = (i - 1) >> 1) this.swap(i, up);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.at(this.now + ms, resolve));
  }

  /** Advances time until the condition holds, no timer is left, or `end` is reached; true when the condition holds. */
  async until(so: () => boolean, end: number): Promise<boolean> {
    // One turn of the real event loop runs everything that is possible at this instant.
    const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    await settle();
    while (!so()) {
      const next = this.pop();
      if (!next || next.at > end) return false;
      this.now = next.at;
      next.ring();
      await settle();
    }
    return true;
  }

  private pop(): Timer | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    heap[0] = last;
    for (let i = 0; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) if (child < heap.length && this.before(child, least)) least = child;
      if (least === i) return first;
      this.swap(i, least);
      i = least;
    }
  }

  private before(i: number, j: number): boolean {
    const [a, b] = [this.heap[i] as Timer, this.heap[j] as Timer];
    return a.at < b.at || (a.at === b.at && a.seq < b.seq);
  }

  private swap(i: number, j: number): void {
    const { heap } = this;
    [heap[i], heap[j]] = [heap[j] as Timer, heap[i] as Timer];
  }
}
