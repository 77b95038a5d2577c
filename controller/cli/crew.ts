import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../errors.ts';
import { GaveWay, StoreAway } from '../run/journal.ts';
import type { News } from '../run/ports.ts';
import type { Site } from './site.ts';

/** How often runs that nobody drives are looked for. Milliseconds. */
const lookEvery = 1000;

/** Goes on with the runs of controllers that are gone, and with those that wait for one. */
export class Crew {
  private readonly under = new Map<string, Promise<void>>();
  private readonly leaving = new AbortController();
  private looking: Promise<void> = Promise.resolve();
  private readonly site: Site;
  private readonly told: (run: string, news: News) => void;

  constructor(site: Site, told: (run: string, news: News) => void) {
    this.site = site;
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
    this.leaving.abort();
    await this.looking;
    return [...this.under.keys()];
  }

  private async look(limit: number): Promise<void> {
    const { signal } = this.leaving;
    while (!signal.aborted) {
      try {
        const room = limit - this.under.size;
        const adopted = room > 0 ? await this.site.adopt(room) : [];
        for (const claimed of adopted) {
          const { run } = claimed;
          const driving = this.site
            .drive(claimed, (news) => this.told(run, news))
            .then(
              () => undefined,
              (error: unknown) => this.lost(run, error),
            )
            .finally(() => this.under.delete(run));
          this.under.set(run, driving);
        }
      } catch (error) {
        if (!(error instanceof SluiceError || error instanceof StoreAway)) throw error;
        // The store is away; it is asked again.
      }
      await sleep(lookEvery, undefined, { signal }).catch(() => undefined);
    }
  }

  private lost(run: string, error: unknown): void {
    const text = error instanceof GaveWay ? `gave way: ${error.message}` : `left alone: ${(error as Error).message}`;
    this.told(run, { kind: 'note', text });
  }
}
