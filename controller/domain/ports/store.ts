import type { Recorded, RunEvent } from '../events.ts';
import type { PhaseTime } from '../phases.ts';
import type { Plan, Profiles } from '../plan.ts';
import type { Comparison, Proof } from '../proof.ts';
import type { AlertStore } from './alerts.ts';
import type { AuditStore } from './audit.ts';
import type { Message } from './notifier.ts';
import type { Outbox } from './outbox.ts';
import type { PastIndex } from './past-index.ts';
import type { RunFilter, Starts } from './run-filter.ts';
import type { ServerStore } from './servers.ts';
import type { TokenStore } from './tokens.ts';
import type { TriggerStore } from './triggers.ts';
import type { VitalsStore } from './vitals.ts';

/** A line of `sluice runs`. Times are milliseconds since 1970. */
export interface RunSummary {
  readonly run: string;
  /** The run number. It grows from run to run; lists are ordered by it, and sinks compare it. */
  readonly number: number;
  readonly pipeline: string;
  readonly state: string;
  readonly branch: string | undefined;
  readonly reason: string | undefined;
  readonly started: number;
  readonly ended: number | undefined;
  /** The trigger that started it. */
  readonly trigger: string | undefined;
  /** Share of valid rows over all sources, from 0 to 1; undefined until the run is planned. */
  readonly quality: number | undefined;
  /** Published rows of all outputs; undefined until the run has ended. */
  readonly rows: number | undefined;
  /** The time of its Spark and embedded attempts, times their cores; undefined until the run has ended. */
  readonly coreSeconds: number | undefined;
}

/** A run with its profiles and its plan. */
export interface PlannedRun extends RunSummary {
  readonly plan: Plan;
  readonly profiles: Profiles;
}

/** The ownership of a run; `token` is a fencing token, which grows with every owner. */
export interface Lease {
  readonly run: string;
  readonly token: number;
}

/** The content of one transaction: events, the resulting summary, and the messages they cause. */
export interface Entry {
  readonly events: readonly RunEvent[];
  readonly summary?: Partial<
    Pick<RunSummary, 'state' | 'branch' | 'reason' | 'ended' | 'quality' | 'rows' | 'coreSeconds'>
  > & {
    /** From now on, what happens to the sources may be missed by this run, and no firing joins it. */
    readonly measuring?: true;
  };
  readonly messages?: readonly Message[];
  /** The phases of the run that end with the events, to be counted. */
  readonly phases?: readonly PhaseTime[];
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
  /** The owning controller; left out, any controller may claim it. */
  readonly owner?: string;
  /** A project has one run with this key, however often and by however many controllers it is requested. */
  readonly idempotencyKey?: string;
  /** The trigger of the pipeline that starts it. */
  readonly trigger?: string;
}

/**
 * A registered run. If it is not new, the key was used before: `lease` names the existing run, and its token 0 grants
 * no right.
 */
export interface Created {
  readonly number: number;
  readonly lease: Lease;
  readonly isNew: boolean;
}

/** The histories of runs. A completed call survives a crash. */
export interface EventStore {
  create(run: NewRun): Promise<Created>;
  /** Appends to a history whose last event is number `after`. Its times never go backwards, whatever `at` is. */
  append(lease: Lease, after: number, at: number, entry: Entry): Promise<Appended>;
  /** Sends a request to the controller of a run; false when the run has ended. */
  request(run: string, at: number, event: RunEvent): Promise<boolean>;
  history(run: string, afterSeq?: number): Promise<Recorded[]>;
}

/** The end of a run, in the order of all events of a project. */
export interface EndedRun {
  readonly position: number;
  readonly run: string;
  readonly pipeline: string;
  readonly state: string;
  /** Milliseconds since 1970. */
  readonly ended: number;
}

/** An event in the order of all events of a project. */
export interface FeedEvent extends Recorded {
  readonly position: number;
  readonly run: string;
}

/**
 * The events of all runs of the project in one order, the same for every reader. No event appears later at a position
 * that a reader has passed, however long its transaction took.
 */
export interface EventFeed {
  /** Events after a position (0: from the first one), in order. */
  since(position: number, limit: number): Promise<FeedEvent[]>;
  /** The ends of runs after a position (undefined: none, only where the feed ends), and the position up to which it looked. */
  endsSince(
    position: number | undefined,
    limit: number,
  ): Promise<{ readonly ends: readonly EndedRun[]; readonly position: number }>;
  /** Resolves when there are events after a position, or when the signal aborts. */
  waitFor(position: number, signal: AbortSignal): Promise<void>;
  /** The last position that has an event; 0 when there is none. Later events have greater positions. */
  lastPosition(): Promise<number>;
}

/** The active controllers and their rights. */
export interface LeaseStore {
  /**
   * Registers a controller or extends its lease by `forMs`. Returns the store's time in milliseconds since 1970.
   * Undefined when the lease had expired: the controller must register under another name.
   */
  heartbeat(owner: string, forMs: number): Promise<number | undefined>;
  /** Controllers with a valid lease. */
  controllers(): Promise<string[]>;
  /** Expires a controller that has closed or is known to be dead; its runs and roles become free. */
  expire(owner: string): Promise<void>;

  /** Claims a run that has not ended, also when it owns it; undefined while another active controller does. */
  claim(run: string, owner: string): Promise<Lease | undefined>;
  release(lease: Lease): Promise<void>;
  /** Runs of this project that have not ended and have no active controller, oldest first. */
  orphaned(
    limit: number,
  ): Promise<{ readonly run: string; readonly number: number; readonly owner: string | undefined }[]>;
  /** The runs that a controller owns, each with its token and the number of its last event. */
  held(owner: string): Promise<ReadonlyMap<string, { readonly token: number; readonly seq: number }>>;
  /** Claims a role for `forMs`, such as sending messages. One controller of the project holds a role at a time. */
  claimRole(role: string, owner: string, forMs: number): Promise<boolean>;
  /** Who holds which role of the project now. */
  roles(): Promise<readonly { readonly role: string; readonly owner: string }[]>;
}

/** Queries on runs without reading their histories; of this project alone. */
export interface RunIndex extends PastIndex {
  /** The run with this name, or the only one with this prefix; undefined otherwise. */
  find(run: string): Promise<(RunSummary & { readonly owner: string | undefined }) | undefined>;
  /** The newest runs that meet a filter, the newest first. */
  list(filter: RunFilter): Promise<RunSummary[]>;
  /** The newest runs of each of these pipelines, so many of each, the newest first. */
  newest(pipelines: readonly string[], limit: number): Promise<RunSummary[]>;
  /** How many of the runs that meet a filter started in each stretch of so many milliseconds since 1970, by state. */
  starts(filter: Omit<RunFilter, 'limit'>, everyMs: number): Promise<Starts[]>;
  /** Runs of the same pipeline that started before this one and have not ended, oldest first. */
  activeBefore(run: string): Promise<string[]>;
  /** The profiles of the last published run of a pipeline. */
  lastProfiles(pipeline: string): Promise<Profiles>;
  /** The last run of a pipeline that has a plan. */
  lastPlanned(pipeline: string): Promise<PlannedRun | undefined>;
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

/** What is known of the embedded engine's results; of this project alone. */
export interface ProofStore {
  /** The proofs of these pairs that exist. */
  proofs(pairs: readonly string[]): Promise<Proof[]>;
  /** Adds a comparison to what is known of its pair. Returns what is known now. */
  compared(comparison: Comparison): Promise<Proof>;
}

/**
 * The store as one project sees it. Where controllers must agree on time, the store's clock decides. Throws
 * `unavailable` when the store cannot be reached, is full or does not respond, and `rejected` for an unknown run or a
 * newer schema.
 */
export interface RunStore
  extends EventStore,
    EventFeed,
    LeaseStore,
    RunIndex,
    Outbox,
    CleanupQueue,
    TriggerStore,
    ServerStore,
    ProofStore,
    TokenStore,
    AuditStore,
    VitalsStore,
    AlertStore {
  close(): Promise<void>;
}

/** The project that opens a store. */
export interface StoreOwner {
  readonly name: string;
  /** Names of the project before projects had names. Opening the store moves their runs to its name. */
  readonly formerNames?: readonly string[];
}
