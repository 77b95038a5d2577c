import type { TriggerDriver } from '../../../controller/adapters/drivers.ts';
import { everyTrigger } from '../../../controller/adapters/triggers/every/driver.ts';
import { scheduleTrigger } from '../../../controller/adapters/triggers/schedule/driver.ts';
import { type Random, randomOf } from '../../../controller/demo/random.ts';
import type { RunStore } from '../../../controller/domain/ports/store.ts';
import { SluiceError } from '../../../controller/lib/errors.ts';
import { jitterMs } from '../../../controller/schedule/jitter.ts';
import { memoryStore } from '../../fakes/store.ts';
import type { Process } from '../network.ts';
import { Time } from '../time.ts';
import type { Version } from './definitions.ts';
import { earliest, latest, lengthOf, nominals } from './enumeration.ts';
import type { Track } from './track.ts';
import { day, hour, minute, second } from './units.ts';
import type { Weakness } from './weaknesses.ts';
import { witnessed } from './witness.ts';

/** A server's place: the process that runs there, and the files that were deployed to it. */
export interface Slot {
  readonly name: string;
  process: Process | undefined;
  release: number;
  /** By pipeline. */
  readonly versions: Map<string, Version>;
}

/** A planned crash: at the n-th call of the store, before or after the store has taken it. */
interface PlannedCrash {
  readonly at: number;
  readonly after: boolean;
}

function alarm(): { readonly rung: Promise<void>; readonly ring: () => void } {
  let ring = (): void => undefined;
  const rung = new Promise<void>((resolve) => {
    ring = resolve;
  });
  return { rung, ring };
}

/** Servers, their store and its clock, and everything that happens to them under one seed. */
export class TriggerWorld {
  readonly seed: number;
  readonly random: Random;
  readonly time = new Time();
  /** The time of day at the beginning. Milliseconds since 1970. */
  readonly begin: number;
  readonly lengthMs: number;
  readonly tracks: Track[] = [];
  readonly slots: Slot[];
  readonly counts: Record<string, number> = {};
  /** Promises that were seen broken while it happened. */
  readonly broken: { readonly promise: string; readonly what: string }[] = [];
  /** The store as operators and runs reach it. */
  readonly store: RunStore;
  /** The store as servers reach it, but for the network. */
  readonly served: RunStore;
  readonly drivers: readonly TriggerDriver[];
  readonly service: Weakness['service'];
  /** Times with something that may delay a firing, in milliseconds since the beginning. */
  readonly disturbances: { readonly from: number; readonly until: number }[] = [];
  /** What the store's clock has been set by, from a time on. */
  readonly steps: { readonly from: number; readonly by: number }[] = [{ from: 0, by: 0 }];
  /** When instants are due, sorted, by the store's clock: servers look then. */
  dues: readonly number[] = [];
  disturbedUntil = 0;
  /** Rings when servers that skip quiet seconds must look again. */
  alarm = alarm();
  /** Grows with each alarm. */
  epoch = 0;
  /** Begin the runs that wait. */
  readonly waiting = new Set<() => void>();
  isSettling = false;
  private awayUntil = 0;
  private readonly lossy: number;
  private readonly planned = new Map<Process, PlannedCrash>();
  private readonly calls = new Map<Process, number>();
  crash: (process: Process) => void = () => undefined;

  constructor(seed: number, weakness: Weakness, days: number) {
    this.seed = seed;
    this.random = randomOf(seed, 'triggers');
    const { random } = this;
    this.lengthMs = days * day;
    const room = latest - earliest - 40 * day - this.lengthMs;
    this.begin = Math.floor(earliest + random() * room);
    this.lossy = random() < 0.5 ? 0 : 0.004;
    const memory = memoryStore(() => this.clock());
    this.store = witnessed(memory, this);
    this.served = weakness.store?.(this.store, random) ?? this.store;
    const drivers = [scheduleTrigger, everyTrigger];
    this.drivers = drivers.map((driver) => weakness.driver?.(driver) ?? driver);
    this.service = weakness.service;
    const servers = random() < 0.5 ? 2 : 3;
    this.slots = Array.from({ length: servers }, (_, i) => ({
      ...{ name: `s${i + 1}`, process: undefined, release: 1, versions: new Map() },
    }));
  }

  /** The store's clock. Milliseconds since 1970. */
  clock(): number {
    return Math.floor(this.begin + this.time.now + (this.steps.at(-1)?.by ?? 0));
  }

  /** When the store's clock shows a time, in milliseconds since the beginning. */
  trueTime(at: number): number {
    const times = this.steps.map(({ from, by }, i) => {
      const its = at - this.begin - by;
      return its >= from && its < (this.steps[i + 1]?.from ?? Number.POSITIVE_INFINITY) ? its : undefined;
    });
    return times.find((each) => each !== undefined) ?? Number.NaN;
  }

  count(what: string, by = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + by;
  }

  /** Lets servers look often for a while, as they always do outside of simulations. */
  wake(ms: number): void {
    this.disturbedUntil = Math.max(this.disturbedUntil, this.time.now + ms);
    this.epoch += 1;
    const { ring } = this.alarm;
    this.alarm = alarm();
    ring();
  }

  /** Something that may delay firings, for so long. */
  disturb(what: string, ms: number): void {
    this.count(what);
    this.hinder(ms, 10 * minute);
    this.time.at(this.time.now + ms, () => this.wake(10 * minute));
  }

  private hinder(ms: number, wakeMs: number): void {
    this.wake(wakeMs);
    // Failed looks are made again after 5 minutes at most.
    this.disturbances.push({ from: this.time.now - 6 * minute, until: this.time.now + ms + 16 * minute });
  }

  /** Computes when servers have something to do. */
  plan(): void {
    const now = this.clock();
    const until = this.begin + this.lengthMs + 4 * hour;
    const dues = this.tracks.flatMap(({ newest: { fields }, generations, name: { pipeline, trigger } }) => {
      const jitter = fields.jitter === undefined ? 0 : lengthOf(fields.jitter);
      return nominals(fields, generations.at(-1)?.armed ?? now, now - 3 * hour, until).map(
        ({ key, at }) => at + jitterMs(jitter, pipeline, trigger, key),
      );
    });
    this.dues = dues.sort((a, b) => a - b);
  }

  goAway(ms: number): void {
    this.awayUntil = Math.max(this.awayUntil, this.time.now + ms);
    this.disturb('store away', ms);
  }

  returns(): void {
    this.awayUntil = 0;
  }

  planCrash(process: Process): void {
    this.planned.set(process, { at: 3 + Math.floor(this.random() * 600), after: this.random() < 0.5 });
  }

  /** The store as a process reaches it: calls take time, fail, lose their answers, and are where the process crashes. */
  reached(process: Process): RunStore {
    return new Proxy(this.served, {
      get: (target, name) => {
        const call = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>;
        return (...args: unknown[]) => this.ask(process, () => call.apply(target, args));
      },
    });
  }

  private async ask<T>(process: Process, work: () => Promise<T>): Promise<T> {
    const n = (this.calls.get(process) ?? 0) + 1;
    this.calls.set(process, n);
    const planned = this.planned.get(process);
    const isPlanned = !this.isSettling && planned?.at === n;
    const { random } = this;
    if (isPlanned && !planned.after) {
      this.count('crashes before the store took a call');
      this.crash(process);
    }
    await process.sleep(1 + random() * (random() < 0.02 ? 3 * second : 5));
    if (this.awayUntil > this.time.now) throw new SluiceError('the store is away', { kind: 'unavailable' });
    const isLost = !this.isSettling && random() < this.lossy;
    const value = await work();
    if (isPlanned && planned.after) {
      this.count('crashes after the store took a call');
      this.crash(process);
    }
    await process.sleep(random() * 5);
    if (!isLost) return value;
    this.count('answers lost');
    this.hinder(0, 15 * second);
    throw new SluiceError('the connection broke off', { kind: 'unknown-outcome' });
  }
}
