import type { Message } from '../notify/port.ts';
import type { Pin } from '../profile/port.ts';
import type { Recorded, RunEvent } from '../run/events.ts';

/** A line of `sluice runs`. Times are milliseconds since 1970. */
export interface RunSummary {
  readonly run: string;
  readonly pipeline: string;
  readonly state: string;
  readonly branch: string | undefined;
  readonly reason: string | undefined;
  readonly started: number;
  readonly ended: number | undefined;
}

/** The right to drive a run; `token` grows with every holder, so that a former one is recognised. */
export interface Lease {
  readonly run: string;
  readonly token: number;
}

/** A message waiting in the outbox. */
export interface Waiting {
  readonly message: Message;
  readonly tries: number;
}

export type MessageState = 'waiting' | 'sent' | 'refused';

/** What goes into one transaction: events, the summary they amount to, and messages they cause. */
export interface Entry {
  readonly events: readonly RunEvent[];
  readonly summary?: Partial<Pick<RunSummary, 'state' | 'branch' | 'reason' | 'ended'>>;
  readonly messages?: readonly Message[];
}

/**
 * The history of runs. What `append` has returned from survives a crash. Throws `unavailable` when the store cannot be
 * reached and `rejected` for a run that is not there, a lost lease, or a schema newer than this program.
 */
export interface RunStore {
  /** Registers a run with its first events, and returns its number, which grows from run to run: its fence. */
  create(run: string, pipeline: string, at: number, events: readonly RunEvent[]): Promise<number>;
  /** The right to drive a run until `until`, or undefined while somebody else has it. One's own is given again. */
  lease(run: string, owner: string, now: number, until: number): Promise<Lease | undefined>;
  /** Keeps a lease until `until`; false when somebody else has had the run since: it is not taken back. */
  renew(lease: Lease, until: number): Promise<boolean>;
  release(lease: Lease): Promise<void>;
  /** Notes what happened. Without a lease only requests may be noted, which any process may make. */
  append(run: string, lease: Lease | undefined, at: number, entry: Entry): Promise<void>;
  history(run: string, afterSeq?: number): Promise<Recorded[]>;
  /** The run with this name or the only one that begins so; undefined when there is none. */
  find(run: string): Promise<(RunSummary & { readonly number: number }) | undefined>;
  list(filter: { readonly pipeline?: string; readonly limit: number }): Promise<RunSummary[]>;
  /** What the last run of a pipeline that published has read. */
  lastPins(pipeline: string): Promise<Readonly<Record<string, Pin>>>;
  /** Messages due by `now`, oldest first. */
  due(now: number): Promise<Waiting[]>;
  /** How a try went; a message still `waiting` is due again at `next`. */
  noteDelivery(messageId: string, state: MessageState, next: number, note: string): Promise<void>;
  messages(run: string): Promise<{ event: string; to: string; state: MessageState; note: string | undefined }[]>;
  close(): Promise<void>;
}
