import type { Lease, RunStore } from '../domain/ports/store.ts';
import type { RunState } from '../domain/state.ts';
import { SluiceError } from '../lib/errors.ts';
import { Engine } from './engine.ts';
import { GaveWay, StoreAway } from './journal.ts';
import type { Ports } from './ports.ts';
import type { Adopted } from './worker.ts';

/** How long a controller that is not heard of keeps its runs, and how often it is heard of. Milliseconds. */
export const leaseMs = 8000;
const beatMs = 1000;

/** What a controller needs besides the ports of its runs. */
export interface Surroundings {
  readonly store: RunStore;
  /** Milliseconds from anywhere, at the same pace whatever happens to the machine's clock. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** A name that nobody had before, also not this process. */
  readonly newName: () => string;
  /** Whether a controller is certainly gone although its lease has not ended: a process of this machine that is no more. */
  readonly isDead: (owner: string) => Promise<boolean>;
}

interface Driven {
  readonly lease: Lease;
  readonly engine: Engine;
}

/**
 * Drives any number of runs, and holds one lease for them all. It renews the lease every second, hears then of requests to
 * its runs, and learns of runs it has lost; it never acts for a run past the lease without having asked the store.
 */
export class Controller {
  private name: string;
  private validUntil = 0;
  private offset = 0;
  private closed = false;
  private beating: Promise<void> | undefined;
  private loop: Promise<void> = Promise.resolve();
  private readonly driven = new Map<string, Driven>();
  /** Claimed by this process, which is about to drive them. */
  private readonly claimed = new Set<string>();
  private forgotten: ReadonlySet<string> = new Set();
  private readonly around: Surroundings;

  constructor(around: Surroundings) {
    this.around = around;
    this.name = around.newName();
  }

  get owner(): string {
    return this.name;
  }

  /** The store's time as this controller knows it. Milliseconds since 1970. */
  now(): number {
    return this.around.now() + this.offset;
  }

  /** Registers with the store, and stays so until close(). */
  async open(): Promise<void> {
    await this.beat();
    this.loop = this.keepBeating();
  }

  /** Gives back what it drives, and leaves: its runs are anybody's at once, and nothing is done for them here any more. */
  async close(): Promise<void> {
    this.closed = true;
    for (const { engine } of this.driven.values()) engine.wake();
    await this.around.store.expire(this.name).catch(() => undefined);
    await this.loop;
  }

  /** The right to drive a run; undefined while a living controller has it. */
  async claim(run: string): Promise<Lease | undefined> {
    await this.current();
    const lease = await this.around.store.claim(run, this.name);
    if (lease) this.claimed.add(run);
    return lease;
  }

  /**
   * Drives a run under a lease to its end; `from` names the controller that drove it before. Throws GaveWay when another
   * has come to drive it.
   */
  async drive(number: number, lease: Lease, given: Omit<Ports, 'now'>, from?: string): Promise<RunState> {
    const { run } = lease;
    const ports: Ports = { ...given, now: () => this.now() };
    const before = from === undefined ? undefined : { by: this.name, from };
    const engine = new Engine(number, lease, ports, () => this.hold(run, lease), before);
    this.driven.set(run, { lease, engine });
    try {
      return await engine.drive();
    } catch (error) {
      if (!(error instanceof GaveWay)) await this.around.store.release(lease).catch(() => undefined);
      throw error;
    } finally {
      this.claimed.delete(run);
      if (this.driven.get(run)?.lease === lease) this.driven.delete(run);
    }
  }

  /** Gives back a run that was claimed and is not driven after all. */
  async giveBack(lease: Lease): Promise<void> {
    this.claimed.delete(lease.run);
    await this.around.store.release(lease).catch(() => undefined);
  }

  /**
   * Runs that nobody drives, of which up to `limit` are now this controller's, but for those it is to leave alone. Strikes off
   * controllers that are dead.
   */
  async adopt(limit: number, except: (run: string) => boolean): Promise<Adopted[]> {
    const { store, isDead } = this.around;
    for (const owner of await store.controllers())
      if (owner !== this.name && (await isDead(owner))) await store.expire(owner);
    const adopted: Adopted[] = [];
    for (const { run, number, owner } of await store.orphaned(limit)) {
      if (this.driven.has(run) || except(run)) continue;
      const lease = await this.claim(run).catch((error: unknown) => {
        // What is claimed already must be driven, also when the store goes away right now.
        if (adopted.length === 0) throw error;
      });
      if (lease) adopted.push({ run, number, lease, ...(owner === undefined ? {} : { from: owner }) });
    }
    return adopted;
  }

  /** Resolves when this controller may act for a run right now. A process that slept past its lease finds out here. */
  private async hold(run: string, lease: Lease): Promise<void> {
    if (!this.closed) await this.current();
    if (this.closed || this.driven.get(run)?.lease !== lease) throw new GaveWay(run);
  }

  private async current(): Promise<void> {
    if (this.around.now() < this.validUntil) return;
    try {
      await this.beat();
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      throw new StoreAway(error.message, { cause: error });
    }
  }

  private async keepBeating(): Promise<void> {
    while (!this.closed) {
      await this.around.sleep(beatMs);
      // A store that is away is the engines' to tell of, when they need it.
      if (!this.closed) await this.beat().catch(() => undefined);
    }
  }

  private beat(): Promise<void> {
    this.beating ??= this.beatOnce().finally(() => {
      this.beating = undefined;
    });
    return this.beating;
  }

  private async beatOnce(): Promise<void> {
    const { store, now } = this.around;
    let asked = now();
    let time = await store.heartbeat(this.name, leaseMs);
    const isNew = this.validUntil === 0 || time === undefined;
    if (time === undefined) {
      // Everybody else takes this controller for dead. Its runs may be another's by now: it comes back as somebody new.
      this.driven.clear();
      this.name = this.around.newName();
      asked = now();
      time = await store.heartbeat(this.name, leaseMs);
    }
    // All controllers go by the store's time; from then on each by its own steady clock, which nobody can set.
    if (isNew && time !== undefined) this.offset = Math.round(time - asked);
    const mine = await store.held(this.name);
    await this.releaseForgotten(mine);
    this.validUntil = asked + leaseMs;
    for (const [run, { lease, engine }] of this.driven) {
      const known = mine.get(run);
      if (known && known.token !== lease.token) this.driven.delete(run);
      if (known === undefined || known.seq > engine.seq) engine.wake(true);
    }
  }

  /** A run that was claimed, and whose claim's answer was lost: nobody would ever drive it. Seen twice, it is given back. */
  private async releaseForgotten(mine: ReadonlyMap<string, { readonly token: number }>): Promise<void> {
    const before = this.forgotten;
    this.forgotten = new Set([...mine.keys()].filter((run) => !this.driven.has(run) && !this.claimed.has(run)));
    for (const run of this.forgotten) {
      const token = mine.get(run)?.token;
      if (before.has(run) && token !== undefined) await this.around.store.release({ run, token });
    }
  }
}
