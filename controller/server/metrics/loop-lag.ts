import { monitorEventLoopDelay } from 'node:perf_hooks';

/** A timer that is due every so many milliseconds; what it is late is the lag. */
const resolution = 10;
/** The time that they are of: between one and two of these. Milliseconds. */
const windowMs = 30_000;

const percents = [50, 90, 99] as const;

/** How late timers of this process are, lately. */
export class LoopLag {
  private readonly delays = monitorEventLoopDelay({ resolution });
  private before: readonly number[] | undefined;

  constructor() {
    this.delays.enable();
    setInterval(() => {
      this.before = this.now();
      this.delays.reset();
    }, windowMs).unref();
  }

  /** The lag that this share of timers does not exceed: the worse of the window before and of this one. */
  read(): { readonly percent: number; readonly seconds: number }[] {
    const now = this.now();
    return percents.map((percent, i) => ({ percent, seconds: Math.max(now[i] ?? 0, this.before?.[i] ?? 0) }));
  }

  private now(): number[] {
    return percents.map((percent) => Math.max(0, this.delays.percentile(percent) / 1e9 - resolution / 1000));
  }
}
