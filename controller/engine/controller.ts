import type { Lease, RunStore } from '../domain/ports/store.ts';
import type { RunState } from '../domain/state.ts';
import { SluiceError } from '../lib/errors.ts';
import { Engine } from './engine.ts';
import { LeaseLostError, StoreUnavailableError } from './journal.ts';
import type { Ports } from './ports.ts';
import type { ClaimedRun } from './worker.ts';

/** Lease duration, and the interval of its renewal. Milliseconds. */
export const leaseMs = 8000;
const heartbeatIntervalMs = 1000;

/** What a controller needs in addition to the ports of its runs. */
export interface ControllerDeps {
  readonly store: RunStore;
  /** A monotonic clock in milliseconds, independent of the system time. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** A new controller name, unique also within this process. */
  readonly newName: () => string;
  /**
   * Whether the process of a controller is known to be gone although its lease is still valid; only for processes of
   * this machine.
   */
  readonly isProcessGone: (owner: string) => Promise<boolean>;
}

interface ActiveRun {
  readonly lease: Lease;
  readonly engine: Engine;
}

/**
 * Executes any number of runs under one lease. Each heartbeat renews the lease, and returns new requests and lost runs.
 * A controller never acts for a run past its lease without asking the store.
 */
export class Controller {
  private name: string;
  private validUntil = 0;
  private clockOffsetMs = 0;
  private closed = false;
  private pendingHeartbeat: Promise<void> | undefined;
  private loop: Promise<void> = Promise.resolve();
  private readonly activeRuns = new Map<string, ActiveRun>();
  /** Claimed by this process and about to be executed. */
  private readonly claimed = new Set<string>();
  private leakedClaims: ReadonlySet<string> = new Set();
  private readonly deps: ControllerDeps;

  constructor(deps: ControllerDeps) {
    this.deps = deps;
    this.name = deps.newName();
  }

  get owner(): string {
    return this.name;
  }

  /** The store's time as this controller knows it. Milliseconds since 1970. */
  now(): number {
    return this.deps.now() + this.clockOffsetMs;
  }

  /** Registers with the store, and renews the lease until close(). */
  async open(): Promise<void> {
    await this.heartbeat();
    this.loop = this.heartbeatLoop();
  }

  /** Expires the lease: other controllers can claim its runs at once, and this one no longer acts for them. */
  async close(): Promise<void> {
    this.closed = true;
    for (const { engine } of this.activeRuns.values()) engine.wake();
    await this.deps.store.expire(this.name).catch(() => undefined);
    await this.loop;
  }

  /** Claims a run; undefined while another active controller owns it. */
  async claim(run: string): Promise<Lease | undefined> {
    await this.ensureLease();
    const lease = await this.deps.store.claim(run, this.name);
    if (lease) this.claimed.add(run);
    return lease;
  }

  /**
   * Executes a run under a lease to its end; `from` names the previous controller. Throws LeaseLostError when another
   * controller has taken over.
   */
  async execute(number: number, lease: Lease, given: Omit<Ports, 'now'>, from?: string): Promise<RunState> {
    const { run } = lease;
    const ports: Ports = { ...given, now: () => this.now() };
    const before = from === undefined ? undefined : { by: this.name, from };
    const engine = new Engine(number, lease, ports, () => this.assertLease(run, lease), before);
    this.activeRuns.set(run, { lease, engine });
    try {
      return await engine.execute();
    } catch (error) {
      if (!(error instanceof LeaseLostError)) await this.deps.store.release(lease).catch(() => undefined);
      throw error;
    } finally {
      this.claimed.delete(run);
      if (this.activeRuns.get(run)?.lease === lease) this.activeRuns.delete(run);
    }
  }

  /** Releases a run that was claimed and is not executed. */
  async releaseRun(lease: Lease): Promise<void> {
    this.claimed.delete(lease.run);
    await this.deps.store.release(lease).catch(() => undefined);
  }

  /**
   * Expires controllers whose processes are gone, then claims up to `limit` orphaned runs, except those that `except`
   * names.
   */
  async claimOrphanedRuns(limit: number, except: (run: string) => boolean): Promise<ClaimedRun[]> {
    const { store, isProcessGone } = this.deps;
    for (const owner of await store.controllers())
      if (owner !== this.name && (await isProcessGone(owner))) await store.expire(owner);
    const claimedRuns: ClaimedRun[] = [];
    for (const { run, number, owner } of await store.orphaned(limit)) {
      if (this.activeRuns.has(run) || except(run)) continue;
      const lease = await this.claim(run).catch((error: unknown) => {
        // Runs that are already claimed must be executed, also when the store is unavailable now.
        if (claimedRuns.length === 0) throw error;
      });
      if (lease) claimedRuns.push({ run, number, lease, ...(owner === undefined ? {} : { from: owner }) });
    }
    return claimedRuns;
  }

  /**
   * Resolves when this controller may act for a run now; throws LeaseLostError otherwise, also in a process that was
   * suspended past its lease.
   */
  private async assertLease(run: string, lease: Lease): Promise<void> {
    if (!this.closed) await this.ensureLease();
    if (this.closed || this.activeRuns.get(run)?.lease !== lease) throw new LeaseLostError(run);
  }

  private async ensureLease(): Promise<void> {
    if (this.deps.now() < this.validUntil) return;
    try {
      await this.heartbeat();
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      throw new StoreUnavailableError(error.message, { cause: error });
    }
  }

  private async heartbeatLoop(): Promise<void> {
    while (!this.closed) {
      await this.deps.sleep(heartbeatIntervalMs);
      // Engines report an unavailable store when they need it.
      if (!this.closed) await this.heartbeat().catch(() => undefined);
    }
  }

  private heartbeat(): Promise<void> {
    this.pendingHeartbeat ??= this.sendHeartbeat().finally(() => {
      this.pendingHeartbeat = undefined;
    });
    return this.pendingHeartbeat;
  }

  private async sendHeartbeat(): Promise<void> {
    const { store, now } = this.deps;
    let sentAt = now();
    let time = await store.heartbeat(this.name, leaseMs);
    const isNew = this.validUntil === 0 || time === undefined;
    if (time === undefined) {
      // The lease has expired and the runs may have other owners: register under a new name.
      this.activeRuns.clear();
      this.name = this.deps.newName();
      sentAt = now();
      time = await store.heartbeat(this.name, leaseMs);
    }
    // All controllers use the time of the store; between heartbeats each adds its own monotonic clock.
    if (isNew && time !== undefined) this.clockOffsetMs = Math.round(time - sentAt);
    const held = await store.held(this.name);
    await this.releaseLeakedClaims(held);
    this.validUntil = sentAt + leaseMs;
    for (const [run, { lease, engine }] of this.activeRuns) {
      const known = held.get(run);
      if (known && known.token !== lease.token) this.activeRuns.delete(run);
      if (known === undefined || known.seq > engine.seq) engine.wake(true);
    }
  }

  /**
   * Releases runs whose claim response was lost: no engine would execute them. Seen in two heartbeats, they are
   * released.
   */
  private async releaseLeakedClaims(held: ReadonlyMap<string, { readonly token: number }>): Promise<void> {
    const before = this.leakedClaims;
    this.leakedClaims = new Set([...held.keys()].filter((run) => !this.activeRuns.has(run) && !this.claimed.has(run)));
    for (const run of this.leakedClaims) {
      const token = held.get(run)?.token;
      if (before.has(run) && token !== undefined) await this.deps.store.release({ run, token });
    }
  }
}
