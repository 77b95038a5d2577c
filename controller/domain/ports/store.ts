import type { Recorded, RunEvent } from '../events.ts';
import type { LifeState } from '../lifecycle.ts';
import type { Plan, Profiles } from '../plan.ts';
import type { Message } from './notifier.ts';

/** A line of `sluice runs`: all that a list shows. Times are milliseconds since 1970. */
export interface RunSummary {
  readonly run: string;
  /** The run number: grows from run to run; the order of lists, and what sinks compare. */
  readonly number: number;
  readonly pipeline: string;
  readonly state: string;
  readonly branch: string | undefined;
  readonly reason: string | undefined;
  readonly started: number;
  readonly ended: number | undefined;
  /** Share of valid rows over all sources, from 0 to 1; undefined until the run is planned. */
  readonly quality: number | undefined;
  /** Rows of everything the run published; undefined until it has ended. */
  readonly rows: number | undefined;
}

/** A run with what it measured and decided. */
export interface PlannedRun extends RunSummary {
  readonly plan: Plan;
  readonly profiles: Profiles;
}

/** The ownership of a run; `token` is a fencing token, which grows with every owner. */
export interface Lease {
  readonly run: string;
  readonly token: number;
}

/** A message waiting in the outbox. */
export interface QueuedMessage {
  readonly message: Message;
  readonly tries: number;
}

export type MessageState = 'waiting' | 'sent' | 'refused';

/** What goes into one transaction: events, the summary they amount to, messages they cause. */
export interface Entry {
  readonly events: readonly RunEvent[];
  readonly summary?: Partial<Pick<RunSummary, 'state' | 'branch' | 'reason' | 'ended' | 'quality' | 'rows'>>;
  readonly messages?: readonly Message[];
  /** The key of a Spark application that needs a slot; refused when `limit` of them are taken, over all runs. */
  readonly takesSlot?: { readonly key: string; readonly limit: number | undefined };
  /** The key of an application that is confirmed ended; frees its slot. */
  readonly freesSlot?: string;
}

/**
 * The outcome of an append. `lost`: another controller owns the run. `moved`: the history is longer than the writer
 * knew, also when the answer to the same append was lost. `no-slot`: the application limit is reached.
 */
export type Appended =
  | { readonly seq: number; readonly at: number }
  | { readonly refused: 'lost' | 'moved' | 'no-slot' };

/** A run to register with its first events. */
export interface NewRun {
  readonly run: string;
  readonly pipeline: string;
  readonly at: number;
  readonly events: readonly RunEvent[];
  /** The controller that owns it; any, when left out. */
  readonly owner?: string;
  /** A project has one run with this key, however often and by however many it is asked for. */
  readonly idempotencyKey?: string;
}

/** A registered run. Not new: the key was used before, `lease` names the run it is for, and its token 0 gives no right. */
export interface Created {
  readonly number: number;
  readonly lease: Lease;
  readonly isNew: boolean;
}

/** The history of runs. What a call has returned from survives a crash. */
export interface EventStore {
  create(run: NewRun): Promise<Created>;
  /** Adds to a history whose last event is number `after`. Time in it never goes backwards, whatever `at` says. */
  append(lease: Lease, after: number, at: number, entry: Entry): Promise<Appended>;
  /** Sends a request to the controller of a run; false when the run has ended. */
  request(run: string, at: number, event: RunEvent): Promise<boolean>;
  history(run: string, afterSeq?: number): Promise<Recorded[]>;
}

/** An event in the order of all events of a project. */
export interface FeedEvent extends Recorded {
  readonly position: number;
  readonly run: string;
}

/**
 * The events of all runs of the project in one order, which is the same for every reader. An event never appears before
 * the last position that a reader was given, however long its transaction took.
 */
export interface EventFeed {
  /** Events after a position (0: from the first one), in order. */
  since(position: number, limit: number): Promise<FeedEvent[]>;
  /** Resolves when there are events after a position, or when the signal aborts. */
  waitFor(position: number, signal: AbortSignal): Promise<void>;
}

/** Which controllers live, and what each of them may do. */
export interface LeaseStore {
  /**
   * Registers a controller, or keeps it for `forMs` more, and returns the store's time in milliseconds since 1970.
   * Undefined when its time had run out: to all others it is dead, and it must come back under another name.
   */
  heartbeat(owner: string, forMs: number): Promise<number | undefined>;
  /** Controllers whose time has not run out. */
  controllers(): Promise<string[]>;
  /** Expires a controller that has left or is known to be dead; its runs and roles are free. */
  expire(owner: string): Promise<void>;

  /**
   * Claims a run that has not ended; undefined while another active controller owns it. Claiming one's own run again
   * succeeds.
   */
  claim(run: string, owner: string): Promise<Lease | undefined>;
  release(lease: Lease): Promise<void>;
  /** Runs of this project that have not ended and have no active controller, oldest first. */
  orphaned(
    limit: number,
  ): Promise<{ readonly run: string; readonly number: number; readonly owner: string | undefined }[]>;
  /** The runs that a controller owns, each with its token and the number of its last event. */
  held(owner: string): Promise<ReadonlyMap<string, { readonly token: number; readonly seq: number }>>;
  /** Claims a role for `forMs` that one controller of the project has at a time, such as sending messages. */
  claimRole(role: string, owner: string, forMs: number): Promise<boolean>;
}

/** What is asked of runs without reading their histories; of this project alone. */
export interface RunIndex {
  /** The run of this name or the only one that begins so; undefined when there is none. */
  find(run: string): Promise<(RunSummary & { readonly owner: string | undefined }) | undefined>;
  /** The newest runs with a number below `before`, the newest first. */
  list(filter: {
    readonly pipeline?: string;
    readonly state?: LifeState;
    readonly before?: number;
    readonly limit: number;
  }): Promise<RunSummary[]>;
  /** Runs of the same pipeline that began before this one and have not ended, oldest first. */
  activeBefore(run: string): Promise<string[]>;
  /** What the last run of a pipeline that published has read and counted. */
  lastProfiles(pipeline: string): Promise<Profiles>;
  /** The last run of a pipeline that came as far as a plan. */
  lastPlanned(pipeline: string): Promise<PlannedRun | undefined>;
}

/** Messages of this project on their way, in order for each recipient of a channel. */
export interface Outbox {
  /**
   * For each recipient of a channel, the messages that are due and those that were put in before them; oldest first. What
   * waits for one recipient holds up no other.
   */
  due(): Promise<QueuedMessage[]>;
  /** How a try went; a message still `waiting` is due again in `againMs`. */
  recordAttempt(messageId: string, state: MessageState, againMs: number, note: string): Promise<void>;
  messages(run: string): Promise<
    {
      readonly channel: string;
      readonly event: string;
      readonly to: string;
      readonly state: MessageState;
      readonly note: string | undefined;
    }[]
  >;
}

/** Pending cleanup of ended runs; of this project alone. */
export interface CleanupQueue {
  /** Runs that ended at least `graceMs` ago and have not been cleaned up. */
  pendingCleanup(graceMs: number, limit: number): Promise<string[]>;
  cleanedUp(run: string): Promise<void>;
  /** Cleaned-up runs that ended at least `ageMs` ago, oldest first, without the last published one of each pipeline. */
  beyondRetention(ageMs: number, limit: number): Promise<{ readonly run: string; readonly pipeline: string }[]>;
  /** Removes an ended run with its events and messages. Its idempotency key may be used again. */
  remove(run: string): Promise<void>;
}

/** A trigger by its name in a pipeline. */
export interface TriggerName {
  readonly pipeline: string;
  readonly trigger: string;
}

/** What is known of a trigger. Times are the store's, in milliseconds since 1970. */
export interface TriggerState {
  /** Grows with every change: who has seen it knows whether it is still so. */
  readonly seq: number;
  /** When it became known: nothing before is owed. */
  readonly armed: number;
  readonly now: number;
  /** What its kind has accounted for; plain JSON, undefined at first. */
  readonly cursor: unknown;
}

/** A reason to start a run. */
export interface Firing {
  /** The same whoever sees the reason, and whenever: a trigger fires once with it. */
  readonly key: string;
  /** When it was due. Milliseconds since 1970. */
  readonly due: number;
}

/** What fires runs, and the ledger of what was fired; of this project alone. */
export interface TriggerStore {
  /** Makes the trigger known when it is new. */
  trigger(name: TriggerName): Promise<TriggerState>;
  /**
   * Enters firings into the ledger, creates the run of each that is new, and moves the cursor: all of it or nothing. Returns
   * the runs that were created, undefined when the trigger is no longer what was seen.
   */
  fire(
    name: TriggerName,
    seen: Pick<TriggerState, 'seq'>,
    firings: readonly (Firing & { readonly start: NewRun })[],
    cursor: unknown,
  ): Promise<readonly string[] | undefined>;
  /** The newest firings of a trigger, the newest first; the run is undefined once it was removed. */
  firings(name: TriggerName, limit: number): Promise<(Firing & { readonly run: string | undefined })[]>;
}

/**
 * All of it, as one project sees it. Time is the store's own wherever controllers must agree on it: none of them trusts its
 * clock, or another's. Throws `unavailable` when the store cannot be reached, is full or does not answer, and `rejected`
 * for a run that is not there or a schema newer than this program.
 */
export interface RunStore extends EventStore, EventFeed, LeaseStore, RunIndex, Outbox, CleanupQueue, TriggerStore {
  close(): Promise<void>;
}

/** The project that opens a store. */
export interface StoreOwner {
  readonly name: string;
  /** What its runs were filed under before projects had names: they become the name's when the store is opened. */
  readonly formerNames?: readonly string[];
}
