import type { Recorded, RunEvent } from '../events.ts';
import type { Profile } from '../profile.ts';
import type { Message } from './notifier.ts';

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

/** What goes into one transaction: events, the summary they amount to, messages they cause. */
export interface Entry {
  readonly events: readonly RunEvent[];
  readonly summary?: Partial<Pick<RunSummary, 'state' | 'branch' | 'reason' | 'ended'>>;
  readonly messages?: readonly Message[];
  /** The key of a Spark application that may live from now on; refused when `limit` of them do already, over all runs. */
  readonly begins?: { readonly key: string; readonly limit: number | undefined };
  /** The key of an application that is confirmed dead. */
  readonly ends?: string;
}

/**
 * What became of an entry. `lost`: another controller drives the run. `moved`: the history is longer than the writer knew;
 * an entry whose answer was lost shows so when it is tried again. `no-slot`: too many applications live.
 */
export type Appended =
  | { readonly seq: number; readonly at: number }
  | { readonly refused: 'lost' | 'moved' | 'no-slot' };

/**
 * The history of runs, and who drives them. What `append` has returned from survives a crash. Time is the store's own
 * wherever controllers must agree on it: none of them trusts its clock, or another's. Throws `unavailable` when the store
 * cannot be reached, is full or does not answer, and `rejected` for a run that is not there or a schema newer than this program.
 */
export interface RunStore {
  /**
   * Registers a run with its first events, driven by `owner`, or by whoever comes when there is none. Its number grows from
   * run to run: its fence.
   */
  create(
    run: string,
    pipeline: string,
    at: number,
    events: readonly RunEvent[],
    owner?: string,
  ): Promise<{ readonly number: number; readonly lease: Lease }>;

  /**
   * Registers a controller, or keeps it for `forMs` more, and tells the store's time in milliseconds since 1970. Undefined
   * when its time had run out: to all others it is dead, and it must come back under another name.
   */
  attend(owner: string, forMs: number): Promise<number | undefined>;
  /** Controllers whose time has not run out. */
  controllers(): Promise<string[]>;
  /** Strikes off a controller that has left or is known to be dead; its runs are anybody's. */
  strike(owner: string): Promise<void>;

  /** The right to drive a run that has not ended; undefined while a living controller has it. One's own is given again. */
  claim(run: string, owner: string): Promise<Lease | undefined>;
  release(lease: Lease): Promise<void>;
  /** Runs of this project that have not ended and that no living controller drives, oldest first. */
  orphans(
    limit: number,
  ): Promise<{ readonly run: string; readonly number: number; readonly owner: string | undefined }[]>;
  /** The runs a controller drives, each with its token and the number of its last event. */
  driven(owner: string): Promise<ReadonlyMap<string, { readonly token: number; readonly seq: number }>>;
  /** Runs of the same pipeline of this project that began before this one and have not ended, oldest first. */
  ahead(run: string): Promise<string[]>;

  /** Adds to a history whose last event is number `after`. Time in it never goes backwards, whatever `at` says. */
  append(lease: Lease, after: number, at: number, entry: Entry): Promise<Appended>;
  /** Asks something of whoever drives a run; false when it has ended. */
  request(run: string, at: number, event: RunEvent): Promise<boolean>;
  history(run: string, afterSeq?: number): Promise<Recorded[]>;

  /** This project's run of this name or the only one that begins so; undefined when there is none. */
  find(
    run: string,
  ): Promise<(RunSummary & { readonly number: number; readonly owner: string | undefined }) | undefined>;
  list(filter: { readonly pipeline?: string; readonly limit: number }): Promise<RunSummary[]>;
  /** What this project's last run of a pipeline that published has read and counted. */
  lastProfiles(pipeline: string): Promise<Readonly<Record<string, Profile>>>;

  /** Runs of this project that ended at least `graceMs` ago and whose staging places nobody has looked at since. */
  unswept(graceMs: number, limit: number): Promise<string[]>;
  swept(run: string): Promise<void>;

  /** The right to empty this project's outbox for `forMs`; one controller at a time has it, so that mails keep their order. */
  postman(owner: string, forMs: number): Promise<boolean>;
  /** Messages that are due and those that were put in before them, oldest first. */
  due(): Promise<Waiting[]>;
  /** How a try went; a message still `waiting` is due again in `againMs`. */
  noteDelivery(messageId: string, state: MessageState, againMs: number, note: string): Promise<void>;
  messages(run: string): Promise<{ event: string; to: string; state: MessageState; note: string | undefined }[]>;
  close(): Promise<void>;
}
