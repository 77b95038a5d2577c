import type { RunEvent } from '../events.ts';
import type { Pause } from '../pauses.ts';
import type { NewRun } from './store.ts';

/** A trigger by its name in a pipeline. */
export interface TriggerName {
  readonly pipeline: string;
  readonly trigger: string;
}

/** The stored state of a trigger. Times are the store's, in milliseconds since 1970. */
export interface TriggerState {
  /** Grows with every change, for optimistic locking. */
  readonly seq: number;
  /** Grows with every reset; the keys of firings begin again. */
  readonly generation: number;
  /** When the store first saw it, or when it was reset; earlier times are not due. */
  readonly armed: number;
  readonly now: number;
  /** What its kind has accounted for. Plain JSON, undefined at first. */
  readonly cursor: unknown;
  /** Pauses that its kind has not accounted for, oldest first. The last one may still last. */
  readonly pauses: readonly Pause[];
  /** The end of the last pause; undefined when there was none. */
  readonly resumed: number | undefined;
  /** Its runs that have not begun to measure. */
  readonly waiting: number;
  /** Why it cannot be polled, as last reported. */
  readonly problem: string | undefined;
}

/** A reason to start a run. */
export interface Firing {
  /** The same for every controller and poll: a trigger fires once for it. */
  readonly key: string;
  /** When it was due. Milliseconds since 1970. */
  readonly due: number;
}

/** What became of a firing. */
export const outcomes = ['started', 'joined', 'skipped', 'superseded', 'missed', 'refused', 'held'] as const;
export type Outcome = (typeof outcomes)[number];

/** The most runs of a trigger that wait; further firings are refused. */
export const mostWaiting = 100;
/** Why a firing is refused while that many wait; a later one may be taken. */
export const tooManyWaiting = `${mostWaiting} runs of this trigger are waiting`;

/** A row for the ledger. */
export interface NewFiring extends Firing {
  /** How many consecutive firings the row stands for, and when the last of them was due. */
  readonly count?: number;
  readonly until?: number;
  /** At most 64 KiB of JSON. */
  readonly payload?: unknown;
  /**
   * Its outcome; or the run to start, which the store decides in the transaction: with `joins`, a waiting run of the
   * trigger takes it along by this event; when `mostWaiting` runs wait, it is refused.
   */
  readonly as:
    | { readonly outcome: Exclude<Outcome, 'started' | 'joined'>; readonly reason: string }
    | { readonly start: NewRun; readonly joins?: RunEvent };
  /** Outcomes of the same key that this row replaces; none when left out. */
  readonly replaces?: readonly Outcome[];
}

/** What the ledger has for a key: the new row, or the one that was there. */
export interface Entered {
  readonly key: string;
  readonly isNew: boolean;
  readonly outcome: Outcome;
  readonly reason: string | undefined;
  /** The run that it started or joined; undefined once the run was removed. */
  readonly run: string | undefined;
}

/** A row of the ledger. */
export interface FiringRecord extends TriggerName, Firing, Omit<Entered, 'isNew'> {
  /** Grows from row to row; lists are ordered by it. */
  readonly number: number;
  readonly generation: number;
  /** When it was entered. Milliseconds since 1970, by the store. */
  readonly noted: number;
  readonly count: number;
  readonly until: number | undefined;
  readonly payload: unknown;
}

/** A trigger in a list. */
export interface ListedTrigger extends TriggerName, Omit<TriggerState, 'cursor'> {
  /** `cursor.cursor.horizon`: up to when a trigger by the clock is accounted for. Milliseconds since 1970. */
  readonly horizon: number | undefined;
  readonly last: FiringRecord | undefined;
}

/** Triggers and the ledger of their firings; of this project alone. */
export interface TriggerStore {
  /** Returns the state of a trigger, and registers a new one. */
  trigger(name: TriggerName): Promise<TriggerState>;
  /** Returns the state of a trigger that is registered, and changes nothing. */
  knownTrigger(name: TriggerName): Promise<TriggerState | undefined>;
  /** All known triggers, without their cursors, with the last row of each. */
  triggers(): Promise<readonly ListedTrigger[]>;
  /**
   * In one transaction, enters firings into the ledger, creates the run of each new one that starts one, and moves the
   * cursor. Pauses that have ended count as accounted for, unless `isPartial`: the cursor has not got to now. Returns
   * what the ledger has; undefined when the trigger has changed meanwhile, or so many more of its runs than `waiting` wait
   * that firings would be refused. Without `seq` it only enters the firings, and any number of callers may do so at once.
   */
  fire(
    name: TriggerName,
    seen: Pick<TriggerState, 'generation'> & Partial<Pick<TriggerState, 'seq' | 'waiting'>>,
    firings: readonly NewFiring[],
    cursor?: unknown,
    isPartial?: boolean,
  ): Promise<readonly Entered[] | undefined>;
  /** Rows of the ledger, newest first, with a number below `before`. */
  firings(filter: {
    readonly pipeline?: string;
    /** Names of pipelines in which `*` stands for any text. */
    readonly pipelines?: readonly string[];
    readonly trigger?: string;
    readonly outcome?: Outcome;
    readonly run?: string;
    /** Rows of this key and of its repetitions, whose keys go on with ` again-`. */
    readonly key?: string;
    /** Rows that stand for this time. Milliseconds since 1970. */
    readonly at?: number;
    /** Rows that were due from this time on, and before that one. Milliseconds since 1970. */
    readonly since?: number;
    readonly until?: number;
    readonly before?: number;
    readonly limit: number;
  }): Promise<readonly FiringRecord[]>;
  /**
   * Removes rows that were entered at least `ageMs` ago and whose runs are gone, but none of the `newest` of a trigger,
   * and none that is held. At most `limit` of a trigger, the oldest first. Their keys may be fired again. Returns how
   * many.
   */
  removeFirings(ageMs: number, newest: number, limit: number): Promise<number>;
  /** Begins a pause; false when it is paused already. */
  pause(name: TriggerName, pause: Pick<Pause, 'by' | 'reason' | 'until'>): Promise<boolean>;
  /** Ends the pause; false when it is not paused. */
  resume(name: TriggerName): Promise<boolean>;
  /** Forgets what the trigger has accounted for; its keys begin again. The ledger stays; what is held is skipped. */
  reset(name: TriggerName): Promise<void>;
  /** Stores why a trigger cannot be polled, or that it can again. */
  setProblem(name: TriggerName, problem: string | undefined): Promise<void>;
  /** The ends of the trigger's last runs that started at `since` or later, newest first. */
  lastEnds(name: TriggerName, since: number, limit: number): Promise<readonly string[]>;
}
