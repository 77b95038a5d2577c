import type { Lease } from '../domain/ports/store.ts';
import { reasonOf, SluiceError } from '../lib/errors.ts';
import { GaveWay, StoreAway } from './journal.ts';
import type { News } from './ports.ts';

/** A run that nobody drove, and now this process does; `from` names the controller before. */
export interface Adopted {
  readonly run: string;
  readonly number: number;
  readonly lease: Lease;
  readonly from?: string;
}

/** What a crew is given: a controller and the means to drive a run with it. */
export interface Helm {
  adopt(limit: number, except: (run: string) => boolean): Promise<readonly Adopted[]>;
  /** Drives a run to its end. Throws GaveWay when another controller has taken it over. */
  drive(adopted: Adopted, told: (news: News) => void): Promise<unknown>;
  sleep(ms: number): Promise<void>;
  now(): number;
}

/** How often runs that nobody drives are looked for. Milliseconds. */
const lookEvery = 1000;
/** How long a run that could not be driven, for whatever unforeseen reason, is left to others. Milliseconds. */
const avoidFor = 30_000;

/** Goes on with the runs of controllers that are gone, and with those that wait for one. */
export class Crew {
  private readonly under = new Map<string, Promise<void>>();
  private readonly avoided = new Map<string, number>();
  private left = false;
  private looking: Promise<void> = Promise.resolve();
  private readonly helm: Helm;
  private readonly told: (run: string, news: News) => void;

  constructor(helm: Helm, told: (run: string, news: News) => void) {
    this.helm = helm;
    this.told = told;
  }

  get size(): number {
    return this.under.size;
  }

  /** Looks for such runs from now on, and drives up to `limit` at a time. */
  start(limit: number): void {
    this.looking = this.look(limit);
  }

  /** Stops looking; returns the runs that are under way, which other controllers can have once the site is closed. */
  async stop(): Promise<string[]> {
    this.left = true;
    await this.looking;
    return [...this.under.keys()];
  }

  private async look(limit: number): Promise<void> {
    while (!this.left) {
      try {
        const room = limit - this.under.size;
        const adopted = room > 0 ? await this.helm.adopt(room, (run) => this.avoids(run)) : [];
        for (const claimed of adopted) {
          const { run } = claimed;
          const driving = this.helm
            .drive(claimed, (news) => this.tell(run, news))
            .then(
              () => undefined,
              (error: unknown) => this.lost(run, error),
            )
            .finally(() => this.under.delete(run));
          this.under.set(run, driving);
        }
      } catch (error) {
        // A store that is away is asked again; whatever else went wrong is said, and the runs under way go on.
        if (!(error instanceof SluiceError || error instanceof StoreAway))
          this.say('', `unexpected: ${reasonOf(error)}`);
      }
      await this.helm.sleep(lookEvery);
    }
  }

  private avoids(run: string): boolean {
    return (this.avoided.get(run) ?? 0) > this.helm.now();
  }

  private lost(run: string, error: unknown): void {
    const gaveWay = error instanceof GaveWay;
    if (!gaveWay) this.avoided.set(run, this.helm.now() + avoidFor);
    this.say(run, `${gaveWay ? 'gave way' : 'left alone'}: ${reasonOf(error)}`);
  }

  private say(run: string, text: string): void {
    this.tell(run, { kind: 'note', text });
  }

  private tell(run: string, news: News): void {
    try {
      this.told(run, news);
    } catch {
      // What watches the runs cannot stop them.
    }
  }
}
