import type { Random } from '../../controller/demo/random.ts';
import { SluiceError } from '../../controller/lib/errors.ts';
import type { Time } from './time.ts';

/** A process that can be killed, or stopped and resumed, at any instant. */
export class Process {
  dead = false;
  private stoppedUntil = 0;
  private readonly time: Time;
  /** The offset of its clock. Milliseconds. */
  readonly skew: number;
  readonly name: string;

  constructor(name: string, time: Time, skew: number) {
    this.name = name;
    this.time = time;
    this.skew = skew;
  }

  now(): number {
    return this.time.now + this.skew;
  }

  stop(ms: number): void {
    this.stoppedUntil = Math.max(this.stoppedUntil, this.time.now + ms);
  }

  /** Resolves after `ms`; later when the process is stopped, never when it is dead. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.wakeAt(this.time.now + ms, resolve));
  }

  private wakeAt(when: number, resolve: () => void): void {
    this.time.at(when, () => {
      if (this.dead) return;
      if (this.stoppedUntil > this.time.now) this.wakeAt(this.stoppedUntil, resolve);
      else resolve();
    });
  }
}

/** A server that is unavailable at times. Requests take time, and may be executed although their responses are lost. */
export class Server {
  private awayUntil = 0;
  readonly name: string;
  private readonly time: Time;
  private readonly random: Random;
  /** The share of responses that are lost. */
  private readonly lossy: number;
  /** The longest time of a response. Milliseconds. */
  private readonly slowest: number;

  constructor(name: string, time: Time, random: Random, lossy: number, slowest: number) {
    this.name = name;
    this.time = time;
    this.random = random;
    this.lossy = lossy;
    this.slowest = slowest;
  }

  goAway(ms: number): void {
    this.awayUntil = Math.max(this.awayUntil, this.time.now + ms);
  }

  get away(): boolean {
    return this.awayUntil > this.time.now;
  }

  /** One request of a process: it leaves, is executed (even when the process dies meanwhile), and gets a response. */
  async ask<T>(process: Process, work: () => Promise<T>): Promise<T> {
    const latency = (): number => this.random() * (this.random() < 0.02 ? this.slowest : 6);
    // A process can be stopped right here, and send its request much later.
    await process.sleep(this.random() * 2);
    type Outcome = { readonly value: T } | { readonly error: unknown };
    const outcome = await new Promise<Outcome>((resolve) => {
      this.time.at(this.time.now + latency(), () => {
        const never = new SluiceError(`${this.name} is away`, { kind: 'unavailable' });
        if (this.away) return resolve({ error: never });
        const lost = this.random() < this.lossy;
        work().then(
          (value) =>
            resolve(
              lost ? { error: new SluiceError(`${this.name} broke off`, { kind: 'unknown-outcome' }) } : { value },
            ),
          (error: unknown) => resolve({ error }),
        );
      });
    });
    await process.sleep(latency());
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  /** The same port, each of whose calls is a request of a process. */
  reached<P extends object>(process: Process, port: P, local: ReadonlySet<PropertyKey> = new Set()): P {
    return new Proxy(port, {
      get: (target, name) => {
        const call = Reflect.get(target, name) as unknown;
        if (typeof call !== 'function' || local.has(name)) return call;
        return (...args: unknown[]) => this.ask(process, () => call.apply(target, args) as Promise<unknown>);
      },
    });
  }
}
