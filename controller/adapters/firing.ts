import type { Firing, NewFiring } from '../domain/ports/triggers.ts';

/** A time at which a trigger fires by the clock. */
export interface Instant extends Firing {
  /** The wall time: `2026-11-24T06:00`. */
  readonly time?: string;
  /** Why it starts no run. */
  readonly instead?: Extract<NewFiring['as'], { outcome: unknown }>;
  /** It has waited for a working day: an earlier definition may have entered it already, so its row stands for it alone. */
  readonly isMoved?: true;
}

/** A firing that a poll has found. */
export interface DueFiring extends Instant, Pick<NewFiring, 'count' | 'until' | 'replaces' | 'payload'> {
  /** What the trigger knows, for conditions and SQL. Plain JSON. */
  readonly facts?: Readonly<Record<string, unknown>>;
  /** Where in a trace the request was that it comes from. */
  readonly traceparent?: string;
  /** Needs a run of its own: no waiting run takes it along. */
  readonly isAlone?: boolean;
}

export interface Due {
  readonly firings: readonly DueFiring[];
  readonly cursor: unknown;
  /** What servers of an earlier version read instead of the cursor, while they are replaced one by one. */
  readonly former?: object;
  /** Why nothing fires although something has come; it is polled on as before. */
  readonly problem?: string;
  /** More is due than the firings are. */
  readonly isPartial?: boolean;
  /** Files, messages or rows that were seen and are in no firing yet. Left out by kinds that do not count them. */
  readonly left?: number;
  /** When to poll again, by the store's clock; undefined: when something of the trigger has changed. */
  readonly next: number | undefined;
}

/** A request that a trigger does not take. `status` is the one of HTTP. */
export class Refusal extends Error {
  readonly status: 400 | 401 | 404 | 410 | 423 | 503;

  constructor(message: string, { status, ...options }: ErrorOptions & Pick<Refusal, 'status'>) {
    super(message, options);
    this.status = status;
  }
}

/** A request to a trigger. */
export interface ReceivedRequest {
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  /** The store's time. Milliseconds since 1970. */
  readonly now: number;
}
