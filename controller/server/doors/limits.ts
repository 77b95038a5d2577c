import { Problem } from '../http/problem.ts';

/** Requests a second, and how many may come at once. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

interface Bucket {
  left: number;
  at: number;
}

/** As many clients are remembered. A forgotten one starts with a full bucket. */
const mostClients = 10_000;

/** Token buckets, one a client. `now` is in milliseconds. */
export class RateLimit {
  private readonly buckets = new Map<string, Bucket>();
  private readonly name: string;
  private readonly rate: Rate;

  constructor(name: string, rate: Rate) {
    this.name = name;
    this.rate = rate;
  }

  /** Takes one request from a client's bucket. Returns headers for its answer; throws a Problem when it is empty. */
  take(client: string, now: number): Record<string, string> {
    const { perSecond, burst } = this.rate;
    const bucket = this.buckets.get(client) ?? { left: burst, at: now };
    // The most recent client is the last one of the map.
    this.buckets.delete(client);
    this.buckets.set(client, bucket);
    if (this.buckets.size > mostClients) this.buckets.delete(this.buckets.keys().next().value ?? '');
    bucket.left = Math.min(burst, bucket.left + ((now - bucket.at) / 1000) * perSecond);
    bucket.at = now;
    const policy = { 'ratelimit-policy': `"${this.name}";q=${burst};w=${Math.ceil(burst / perSecond)}` };
    if (bucket.left < 1) {
      const seconds = Math.max(1, Math.ceil((1 - bucket.left) / perSecond));
      throw new Problem(429, `more than ${perSecond} requests a second`, {
        hint: `wait ${seconds} s`,
        headers: { ...policy, ratelimit: `"${this.name}";r=0;t=${seconds}`, 'retry-after': String(seconds) },
      });
    }
    bucket.left -= 1;
    return { ...policy, ratelimit: `"${this.name}";r=${Math.floor(bucket.left)};t=1` };
  }
}

/** The failures after which an address has to wait, and the longest wait. */
const freeFailures = 5;
const longestWaitMs = 60_000;

interface Failures {
  count: number;
  until: number;
  /** Refused while it had to wait. */
  silent: number;
}

/**
 * The back-off of addresses that send wrong tokens: after some failures each one doubles the wait. A right token is
 * never refused for it, so that one client cannot lock out others behind the same address.
 */
export class FailedLogins {
  private readonly failures = new Map<string, Failures>();

  /**
   * Counts a failure. Returns how many were refused silently since the last one that counted; throws a Problem when the
   * address has to wait.
   */
  add(address: string, now: number): number {
    const known = this.failures.get(address) ?? { count: 0, until: 0, silent: 0 };
    this.failures.delete(address);
    this.failures.set(address, known);
    if (this.failures.size > mostClients) this.failures.delete(this.failures.keys().next().value ?? '');
    if (now < known.until) {
      known.silent += 1;
      const seconds = Math.ceil((known.until - now) / 1000);
      throw new Problem(429, 'too many requests without a valid token', {
        hint: `wait ${seconds} s`,
        headers: { 'retry-after': String(seconds) },
      });
    }
    known.count += 1;
    if (known.count >= freeFailures)
      known.until = now + Math.min(longestWaitMs, 1000 * 2 ** Math.min(16, known.count - freeFailures));
    const { silent } = known;
    known.silent = 0;
    return silent;
  }

  /** Forgets the failures of an address after a success. */
  clear(address: string): void {
    this.failures.delete(address);
  }
}

/** Streams that may be open, of all clients and of one. */
export class StreamLimit {
  private readonly open = new Map<string, number>();
  private total = 0;
  private readonly most: number;
  private readonly mostOfOne: number;

  constructor(most: number, mostOfOne: number) {
    this.most = most;
    this.mostOfOne = mostOfOne;
  }

  get size(): number {
    return this.total;
  }

  /** Takes a place for a stream. Returns the function that frees it; throws a Problem when there is none. */
  take(client: string): () => void {
    const own = this.open.get(client) ?? 0;
    const headers = { 'retry-after': '5' };
    if (this.total >= this.most) throw new Problem(503, `${this.most} streams are open`, { headers });
    if (own >= this.mostOfOne) throw new Problem(429, `this token has ${own} open streams`, { headers });
    this.open.set(client, own + 1);
    this.total += 1;
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      this.total -= 1;
      const left = (this.open.get(client) ?? 1) - 1;
      if (left === 0) this.open.delete(client);
      else this.open.set(client, left);
    };
  }
}
