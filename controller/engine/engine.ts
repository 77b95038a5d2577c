import type { RunEvent } from '../domain/events.ts';
import type { Lease } from '../domain/ports/store.ts';
import type { RunState } from '../domain/state.ts';
import { reasonOf, withoutSecrets } from '../lib/errors.ts';
import { type Action, nextActions } from '../machine/machine.ts';
import { ActionRunner } from './actions.ts';
import { Attempts } from './attempts.ts';
import { ConcurrencyConflictError, Journal, LeaseLostError, StoreUnavailableError } from './journal.ts';
import { Measuring } from './measuring.ts';
import type { Ports, RunUpdate } from './ports.ts';

/** Pauses between two attempts to reach an unavailable store, doubling. Milliseconds. */
const storeBackoffMs = { first: 200, longest: 2000 };
/** The pause after an unexpected error. Milliseconds. */
const failurePauseMs = 1000;

/** Executes one run. `assertLease` throws when the lease is lost; it is called before every external effect. */
export class Engine {
  readonly run: string;
  private readonly journal: Journal;
  private readonly measuring: Measuring;
  private readonly attempts: Attempts;
  private readonly ports: Ports;
  private readonly assertLease: () => Promise<void>;
  private takenOver: { readonly by: string; readonly from: string } | undefined;
  /** An unexpected error that the history does not have yet. */
  private failure: string | undefined;
  private waitMs = 0;
  private readonly actions: ActionRunner;
  /** Ends the current pause; `wakeRequested` when something happened outside of a pause. */
  private endPause: () => void = () => undefined;
  private wakeRequested = false;

  /** `takenOver` when another controller executed the run before. */
  constructor(
    number: number,
    lease: Lease,
    ports: Ports,
    assertLease: () => Promise<void> = async () => undefined,
    takenOver?: { readonly by: string; readonly from: string },
  ) {
    this.run = lease.run;
    this.takenOver = takenOver;
    this.ports = { ...ports, onUpdate: ignoringErrors(ports.onUpdate) };
    this.assertLease = assertLease;
    this.journal = new Journal(lease, this.ports);
    this.measuring = new Measuring(this.journal, this.ports, assertLease);
    this.attempts = new Attempts(this.journal, this.ports, number, assertLease, () => this.wake());
    this.actions = new ActionRunner(
      (action) => this.act(action),
      () => this.ports.now(),
      () => this.interruptPause(),
    );
  }

  /** The number of the last event that this engine knows. */
  get seq(): number {
    return this.journal.seq;
  }

  get state(): RunState {
    return this.journal.state;
  }

  /** Ends the pause between two turns. With `historyChanged`, the next turn reads the history first. */
  wake(historyChanged = false): void {
    if (historyChanged) this.journal.needsReload = true;
    this.actions.clearPauses();
    this.interruptPause();
  }

  private interruptPause(): void {
    this.wakeRequested = true;
    this.endPause();
  }

  /**
   * Executes the run to its end and returns its state. Waits for an unavailable store. An unexpected error goes into
   * the history, where the machine sees it. Throws LeaseLostError when another controller owns the run.
   */
  async execute(): Promise<RunState> {
    try {
      for (let tries = 0; ; ) {
        try {
          if (await this.turn()) return this.state;
          tries = 0;
        } catch (error) {
          // Another writer has appended an event; the next turn reads it first.
          if (error instanceof ConcurrencyConflictError) continue;
          if (error instanceof StoreUnavailableError) {
            this.waitMs = Math.min(storeBackoffMs.longest, storeBackoffMs.first * 2 ** tries);
            tries += 1;
          } else {
            if (error instanceof LeaseLostError || this.failure !== undefined) throw error;
            this.failure = withoutSecrets(reasonOf(error));
            this.waitMs = failurePauseMs;
          }
        }
        await this.pause();
      }
    } finally {
      await this.actions.whenIdle();
    }
  }

  /** One turn: reads new events, decides, starts the actions. True when the run has ended. */
  private async turn(): Promise<boolean> {
    const { journal, ports } = this;
    if (journal.state.ended) return true;
    await this.assertLease();
    await journal.catchUp();
    if (this.takenOver && !journal.state.ended) {
      await this.append({ type: 'taken-over', ...this.takenOver });
      this.takenOver = undefined;
    }
    if (this.failure !== undefined && !journal.state.ended) {
      await this.append({ type: 'controller-failed', reason: this.failure });
      this.failure = undefined;
    }
    this.actions.throwFailure();
    this.waitMs = this.actions.startDue(nextActions(journal.state, ports.now()));
    return journal.state.ended !== undefined;
  }

  private async pause(): Promise<void> {
    if (this.wakeRequested || this.waitMs <= 0) {
      this.wakeRequested = false;
      return;
    }
    const over = new AbortController();
    await Promise.race([
      this.ports.sleep(this.waitMs, over.signal),
      new Promise<void>((resolve) => {
        this.endPause = resolve;
      }),
    ]);
    over.abort();
    this.wakeRequested = false;
  }

  /** Performs one action. Returns the milliseconds until the next decision. */
  private async act(action: Action): Promise<number> {
    const { now } = this.ports;
    switch (action.do) {
      case 'measure':
        return this.measuring.measure();
      case 'plan':
        await this.measuring.plan();
        return 0;
      case 'measure-again':
        await this.append({ type: 'inputs-lost', reason: action.reason });
        return 0;
      case 'wait':
        return Math.min(1000, Math.max(0, action.until - now()));
      case 'retry': {
        const { do: _, ...retry } = action;
        await this.append({ type: 'retry-scheduled', ...retry });
        return 0;
      }
      case 'fall-back':
        await this.append({ type: 'fallback-chosen', step: action.step, to: action.to, reason: action.reason });
        return 0;
      case 'end-step':
        await this.attempts.endStep(action.step, action.state, action.reason);
        return 0;
      case 'report':
        await this.writeReport();
        return 0;
      case 'end': {
        const { do: _, ...end } = action;
        await this.append({ type: 'run-ended', ...end });
        return 0;
      }
      case 'publish':
        return this.attempts.publish(action.step, action.attempt);
      case 'shadow':
        return this.attempts.shadow(action.step, action.attempt);
      default:
        return this.attempts.act(action);
    }
  }

  private async writeReport(): Promise<void> {
    try {
      await this.append({ type: 'report-written', ...(await this.ports.report(this.run, this.state)) });
    } catch (error) {
      if (error instanceof StoreUnavailableError || error instanceof ConcurrencyConflictError) throw error;
      // The results are published; a report that cannot be generated is recorded, and does not fail the run.
      await this.append({ type: 'report-failed', reason: reasonOf(error) });
    }
  }

  private async append(event: RunEvent): Promise<void> {
    await this.journal.append([event]);
  }
}

/** Ignores errors of a listener: watching a run must not stop it. */
const ignoringErrors =
  (onUpdate: (update: RunUpdate) => void): ((update: RunUpdate) => void) =>
  (update) => {
    try {
      onUpdate(update);
    } catch {
      // The history has the event.
    }
  };
