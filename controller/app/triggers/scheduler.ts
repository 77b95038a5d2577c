import { setTimeout as sleep } from 'node:timers/promises';
import type { PollContext, Registry } from '../../adapters/drivers.ts';
import { lastResumed, pausesAt } from '../../domain/pauses.ts';
import { kindOf } from '../../domain/pipeline.ts';
import type { RunStore } from '../../domain/ports/store.ts';
import type { Entered, TriggerState } from '../../domain/ports/triggers.ts';
import { reasonOf } from '../../lib/errors.ts';
import { unlessAborted } from '../../lib/within.ts';
import type { LoadedPipeline } from '../../pipeline/loader.ts';
import { type Looked, look, type NamedTrigger, nameOf } from './look.ts';
import { StoreClock } from './store-clock.ts';

/** How often `tick` is called, and how long `stop` waits. Milliseconds. */
const tickMs = 1000;
const stopMs = 5000;
/** How often changes by others are looked for, and how long a look may take. Milliseconds. */
const surveyMs = 5000;
const lookMs = 30_000;
/** The pause after a failed look doubles, up to the longest. Milliseconds. */
const backoffMs = { first: 1000, longest: 300_000 };
/** How many looks are made at once, in all and of one pipeline, whose firings wait for each other. */
const atOnce = 8;
const atOnceOfPipeline = 4;

export interface SchedulerDeps {
  readonly store: RunStore;
  readonly drivers: Registry['triggers'];
  readonly context: Omit<PollContext, 'pipeline' | 'trigger' | 'sources' | 'store' | 'memory' | 'signal'>;
  /** A clock that only goes forward, in milliseconds. */
  readonly monotonic: () => number;
  /** Aborts after so many milliseconds; by the clock of the process when it is left out. */
  readonly deadline?: (ms: number) => AbortSignal;
  readonly report: SchedulerReport;
  /** Calls back after some milliseconds, so that what is due is looked at before the next tick. */
  readonly wakeAfter?: (ms: number, wake: () => void) => void;
}

/** What a scheduler reports as it happens. */
export interface SchedulerReport {
  entered(of: NamedTrigger, entered: readonly Entered[]): void;
  /** A trigger cannot be polled, or (undefined) can again. */
  problem(of: NamedTrigger, reason: string | undefined): void;
  clockStepped(byMs: number): void;
  /** A trigger was looked at. */
  looked?(of: NamedTrigger, looked: Looked): void;
}

/** A trigger as this process knows it. */
interface Watched {
  of: NamedTrigger;
  known: TriggerState | undefined;
  /** Of the stored state that the next look is planned by. */
  seen: Pick<TriggerState, 'seq' | 'waiting'> | undefined;
  /** By the store's clock. */
  next: number;
  failures: number;
  readonly memory: Map<string, unknown>;
  isLooking: boolean;
}

/**
 * Looks at the triggers of pipelines when they are due. It holds nothing in the store while it looks, so any number of
 * controllers may do the same: the ledger takes each key once.
 */
export class Scheduler {
  private readonly watched = new Map<string, Watched>();
  private readonly looking = new Set<Promise<void>>();
  /** Due triggers in the order of their looks; filled again when it is empty. */
  private queue: Watched[] = [];
  private readonly deps: SchedulerDeps;
  private readonly clock: StoreClock;
  private nextSurvey = 0;

  constructor(deps: SchedulerDeps) {
    this.deps = deps;
    this.clock = new StoreClock(deps.monotonic);
  }

  /** Begins to look at every trigger that is due. Call it about once a second with the pipelines that may fire. */
  async tick(pipelines: readonly LoadedPipeline[]): Promise<void> {
    this.queue = [];
    this.watch(pipelines);
    if (this.watched.size === 0) return;
    if (this.deps.monotonic() >= this.nextSurvey) await this.survey();
    if (!this.clock.isSettled) return;
    this.lookAtDue();
    const next = Math.min(...[...this.watched.values()].map((each) => each.next)) - this.clock.now();
    if (next > 0 && next < tickMs) this.deps.wakeAfter?.(Math.ceil(next), () => this.lookAtDue());
  }

  /** Begins no further looks, and waits for those under way. */
  async stop(): Promise<void> {
    this.watched.clear();
    this.queue = [];
    await Promise.race([this.idle(), sleep(stopMs, undefined, { ref: false })]);
  }

  /** Resolves when no look is under way. */
  async idle(): Promise<void> {
    while (this.looking.size > 0) await Promise.all(this.looking);
  }

  /** A look that hangs takes one of the places, until its deadline. */
  private lookAtDue(): void {
    while (this.looking.size < atOnce) {
      if (this.queue.length === 0) this.queue = this.due();
      const watched = this.queue.shift();
      if (!watched) return;
      watched.isLooking = true;
      const { steps } = this.clock;
      const looking = this.lookAt(watched).finally(() => {
        watched.isLooking = false;
        // Its next look was reckoned by the former clock.
        if (this.clock.steps !== steps) Object.assign(watched, { known: undefined, next: 0 });
        this.looking.delete(looking);
        this.lookAtDue();
      });
      this.looking.add(looking);
    }
  }

  /** The triggers that are due and may be looked at: the first of each pipeline, then the second ones. */
  private due(): Watched[] {
    const now = this.clock.now();
    const due = [...this.watched.values()].filter(({ next, isLooking }) => !isLooking && next <= now);
    const ofPipeline = new Map<LoadedPipeline, number>();
    for (const { of, isLooking } of this.watched.values())
      if (isLooking) ofPipeline.set(of.loaded, (ofPipeline.get(of.loaded) ?? 0) + 1);
    const ranked = due
      .sort((a, b) => a.next - b.next)
      .map((watched) => {
        const rank = ofPipeline.get(watched.of.loaded) ?? 0;
        ofPipeline.set(watched.of.loaded, rank + 1);
        return { watched, rank };
      });
    return ranked
      .filter(({ rank }) => rank < atOnceOfPipeline)
      .sort((a, b) => a.rank - b.rank)
      .map(({ watched }) => watched);
  }

  private watch(pipelines: readonly LoadedPipeline[]): void {
    const gone = new Set(this.watched.keys());
    for (const loaded of pipelines)
      for (const [name, trigger] of Object.entries(loaded.pipeline.triggers ?? {})) {
        const key = JSON.stringify([loaded.pipeline.name, name]);
        gone.delete(key);
        const before = this.watched.get(key);
        if (before?.of.loaded === loaded) continue;
        const driver = kindOf(this.deps.drivers, trigger);
        const of = { loaded, name, trigger, driver };
        this.watched.set(key, {
          of,
          known: undefined,
          seen: undefined,
          next: 0,
          failures: 0,
          memory: before?.memory ?? new Map(),
          isLooking: false,
        });
      }
    for (const key of gone) this.watched.delete(key);
  }

  /** Reads what others have changed, and compares the store's clock with ours. */
  private async survey(): Promise<void> {
    const states = await this.deps.store.triggers();
    const now = states[0]?.now ?? (await this.first())?.now;
    if (now === undefined) return;
    const setBy = this.clock.read(now);
    if (setBy !== undefined) {
      this.deps.report.clockStepped(setBy);
      for (const watched of this.watched.values()) Object.assign(watched, { known: undefined, next: 0 });
    }
    this.nextSurvey = this.deps.monotonic() + (this.clock.isSettled ? surveyMs : 1000);
    for (const { pipeline, trigger, seq, waiting } of states) {
      const watched = this.watched.get(JSON.stringify([pipeline, trigger]));
      if (!watched?.seen) continue;
      if (watched.seen.seq !== seq) Object.assign(watched, { known: undefined, seen: undefined, next: 0 });
      // Runs begin without a change of the trigger, and what it owes may wait for that.
      else if (watched.seen.waiting > waiting)
        Object.assign(watched, {
          known: watched.known && { ...watched.known, waiting },
          seen: { seq, waiting },
          next: 0,
        });
    }
  }

  /** Registers the first trigger. */
  private async first(): Promise<TriggerState | undefined> {
    const [watched] = this.watched.values();
    return watched && this.deps.store.trigger(nameOf(watched.of));
  }

  private async lookAt(watched: Watched): Promise<void> {
    const { store, report } = this.deps;
    const { of, memory } = watched;
    const signal = (this.deps.deadline ?? AbortSignal.timeout)(lookMs);
    try {
      for (let tries = 0; ; tries++) {
        watched.known ??= await store.trigger(nameOf(of));
        const { seq, waiting, problem } = watched.known;
        const now = Math.max(watched.known.now, Math.floor(this.clock.now()));
        // A pause that ends by itself changes nothing in the store.
        const pauses = pausesAt(watched.known.pauses, now);
        const known = { ...watched.known, now, pauses, resumed: lastResumed(pauses, watched.known.resumed) };
        const context = { ...this.deps.context, memory, signal };
        const looked = await unlessAborted(
          look(store, of, known, context),
          signal,
          `no answer within ${lookMs / 1000} s`,
        );
        if (!looked && tries < 3) {
          watched.known = undefined;
          continue;
        }
        watched.seen = looked && { seq: looked.changed ? seq + 1 : seq, waiting };
        if (!looked || looked.changed) watched.known = looked?.known;
        watched.next = looked ? nextLook(looked, now) : this.clock.now() + 1000;
        if (looked) {
          report.entered(of, looked.entered);
          report.looked?.(of, looked);
        }
        // That of an earlier process, too.
        if (watched.failures > 0 || problem !== looked?.problem) await this.setProblem(watched, looked?.problem);
        if (watched.known) watched.known = { ...watched.known, problem: looked?.problem };
        break;
      }
      watched.failures = 0;
    } catch (error) {
      watched.next = this.clock.now() + Math.min(backoffMs.longest, backoffMs.first * 2 ** watched.failures);
      watched.failures += 1;
      watched.known = undefined;
      await this.setProblem(watched, reasonOf(error)).catch(() => undefined);
    }
  }

  private async setProblem({ of }: Watched, problem: string | undefined): Promise<void> {
    this.deps.report.problem(of, problem);
    await this.deps.store.setProblem(nameOf(of), problem?.slice(0, 500));
  }
}

/** A look that has found nothing is not made again at once. */
const nextLook = ({ changed, next = Number.POSITIVE_INFINITY }: Looked, now: number): number =>
  changed || next > now ? next : now + 1000;
