import { setTimeout as sleep } from 'node:timers/promises';
import type { EventFeed } from '../../domain/ports/store.ts';

/** Events that one look takes. */
const mostEvents = 1000;
/** The pause after a failed look. Milliseconds. */
const pauseMs = 1000;

/** A reader of events that wants to be woken. */
export interface Subscription {
  /**
   * Resolves when there may be events since the last call, and at the end of the stream. A reader reads, and when it
   * finds nothing, calls this: no event gets lost between the two.
   */
  changed(): Promise<void>;
  close(): void;
}

interface Subscriber {
  readonly run: string | undefined;
  isDirty: boolean;
  wake: () => void;
}

/** Wakes the readers of all streams by one reader of the project's feed, which works only while there are some. */
export class FeedHub {
  private readonly feed: EventFeed;
  private readonly subscribers = new Set<Subscriber>();
  private readonly closing = new AbortController();
  private isLooking = false;

  constructor(feed: EventFeed) {
    this.feed = feed;
  }

  /** Aborts when the server stops: streams end. */
  get stopped(): AbortSignal {
    return this.closing.signal;
  }

  get size(): number {
    return this.subscribers.size;
  }

  /** Subscribes to the events of a run, or of all runs, for a stream that ends when the signal aborts. */
  subscribe(run: string | undefined, signal: AbortSignal): Subscription {
    const subscriber: Subscriber = { run, isDirty: true, wake: () => undefined };
    const wake = (): void => subscriber.wake();
    signal.addEventListener('abort', wake, { once: true });
    this.subscribers.add(subscriber);
    if (!this.isLooking) void this.look();
    return {
      changed: async () => {
        if (!subscriber.isDirty && !signal.aborted && !this.stopped.aborted)
          await new Promise<void>((resolve) => {
            subscriber.wake = resolve;
          });
        subscriber.isDirty = false;
      },
      close: () => {
        signal.removeEventListener('abort', wake);
        this.subscribers.delete(subscriber);
      },
    };
  }

  stop(): void {
    this.closing.abort();
    this.wake(() => true);
  }

  private wake(concerns: (subscriber: Subscriber) => boolean): void {
    for (const subscriber of this.subscribers) {
      if (!concerns(subscriber)) continue;
      subscriber.isDirty = true;
      subscriber.wake();
    }
  }

  private async look(): Promise<void> {
    this.isLooking = true;
    let position: number | undefined;
    while (this.subscribers.size > 0 && !this.stopped.aborted) {
      try {
        if (position === undefined) {
          position = await this.feed.lastPosition();
          // Events from before this moment are at no later position.
          this.wake(() => true);
        }
        await this.feed.waitFor(position, AbortSignal.any([this.stopped, AbortSignal.timeout(pauseMs)]));
        const events = await this.feed.since(position, mostEvents);
        position = events.at(-1)?.position ?? position;
        const runs = new Set(events.map(({ run }) => run));
        if (runs.size > 0) this.wake(({ run }) => run === undefined || runs.has(run));
      } catch {
        // The store is away; readers look for themselves when it is back.
        position = undefined;
        await sleep(pauseMs, undefined, { signal: this.stopped }).catch(() => undefined);
      }
    }
    this.isLooking = false;
  }
}
