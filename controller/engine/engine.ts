import type { RunEvent } from '../domain/events.ts';
import type { Lease } from '../domain/ports/store.ts';
import type { RunState } from '../domain/state.ts';
import { reasonOf, withoutSecrets } from '../lib/errors.ts';
import { type Action, decide } from '../machine/machine.ts';
import { Attempts } from './attempts.ts';
import { GaveWay, Journal, Moved, StoreAway } from './journal.ts';
import { Measuring } from './measuring.ts';
import type { News, Ports } from './ports.ts';
import { Tasks } from './tasks.ts';

/** Pauses between two tries to reach a store that is away: doubling. Milliseconds. */
const storePause = { first: 200, longest: 2000 };
/** The pause after an error that Sluice does not know. */
const failurePause = 1000;

/** One run and the right to drive it. `hold` throws when that right is lost; nothing is done outside before it was asked. */
export class Engine {
  readonly run: string;
  private readonly journal: Journal;
  private readonly measuring: Measuring;
  private readonly attempts: Attempts;
  private readonly ports: Ports;
  private readonly hold: () => Promise<void>;
  private takenOver: { readonly by: string; readonly from: string } | undefined;
  /** An error that Sluice does not know, which the history does not have yet. */
  private failure: string | undefined;
  private waitMs = 0;
  private readonly tasks: Tasks;
  /** What ends the pause between two turns; something happened while there was none. */
  private alarm: () => void = () => undefined;
  private rung = false;

  /** `takenOver` when another controller drove the run before. */
  constructor(
    number: number,
    lease: Lease,
    ports: Ports,
    hold: () => Promise<void> = async () => undefined,
    takenOver?: { readonly by: string; readonly from: string },
  ) {
    this.run = lease.run;
    this.takenOver = takenOver;
    this.ports = { ...ports, told: harmless(ports.told) };
    this.hold = hold;
    this.journal = new Journal(lease, this.ports);
    this.measuring = new Measuring(this.journal, this.ports, hold);
    this.attempts = new Attempts(this.journal, this.ports, number, hold, () => this.wake());
    this.tasks = new Tasks(
      (action) => this.act(action),
      () => this.ports.now(),
      () => this.ring(),
    );
  }

  /** The number of the last event that this engine knows. */
  get seq(): number {
    return this.journal.seq;
  }

  get state(): RunState {
    return this.journal.state;
  }

  /** Ends the pause between two turns; with `news`, the history has grown and is read again first. */
  wake(news = false): void {
    if (news) this.journal.stale = true;
    this.tasks.hurry();
    this.ring();
  }

  private ring(): void {
    this.rung = true;
    this.alarm();
  }

  /**
   * Drives the run to its end and returns its state. Waits for a store that is away. An error that Sluice does not know goes
   * into the history, where the machine sees it. Throws GaveWay when the run is another's.
   */
  async drive(): Promise<RunState> {
    try {
      for (let tries = 0; ; ) {
        try {
          if (await this.turn()) return this.state;
          tries = 0;
        } catch (error) {
          // Somebody else has noted something just now; the next turn reads it first.
          if (error instanceof Moved) continue;
          if (error instanceof StoreAway) {
            this.waitMs = Math.min(storePause.longest, storePause.first * 2 ** tries);
            tries += 1;
          } else {
            if (error instanceof GaveWay || this.failure !== undefined) throw error;
            this.failure = withoutSecrets(reasonOf(error));
            this.waitMs = failurePause;
          }
        }
        await this.pause();
      }
    } finally {
      await this.tasks.settled();
    }
  }

  /** One turn: take in what others have noted, decide, begin. True when the run has ended. */
  private async turn(): Promise<boolean> {
    const { journal, ports } = this;
    if (journal.state.ended) return true;
    await this.hold();
    await journal.catchUp();
    if (this.takenOver && !journal.state.ended) {
      await this.note({ type: 'taken-over', ...this.takenOver });
      this.takenOver = undefined;
    }
    if (this.failure !== undefined && !journal.state.ended) {
      await this.note({ type: 'controller-failed', reason: this.failure });
      this.failure = undefined;
    }
    this.tasks.rethrow();
    this.waitMs = this.tasks.begin(decide(journal.state, ports.now()));
    return journal.state.ended !== undefined;
  }

  private async pause(): Promise<void> {
    if (this.rung || this.waitMs <= 0) {
      this.rung = false;
      return;
    }
    const over = new AbortController();
    await Promise.race([
      this.ports.sleep(this.waitMs, over.signal),
      new Promise<void>((resolve) => {
        this.alarm = resolve;
      }),
    ]);
    over.abort();
    this.rung = false;
  }

  /** Does one action and returns the milliseconds after which it makes sense to look again. */
  private async act(action: Action): Promise<number> {
    const { now } = this.ports;
    switch (action.do) {
      case 'measure':
        return this.measuring.measure();
      case 'plan':
        await this.measuring.plan();
        return 0;
      case 'measure-again':
        await this.note({ type: 'inputs-lost', reason: action.reason });
        return 0;
      case 'wait':
        return Math.min(1000, Math.max(0, action.until - now()));
      case 'retry': {
        const { do: _, ...retry } = action;
        await this.note({ type: 'retry-scheduled', ...retry });
        return 0;
      }
      case 'fall-back':
        await this.note({ type: 'fallback-chosen', step: action.step, to: action.to, reason: action.reason });
        return 0;
      case 'end-step':
        await this.attempts.endStep(action.step, action.state, action.reason);
        return 0;
      case 'report':
        await this.report();
        return 0;
      case 'end': {
        const { do: _, ...end } = action;
        await this.note({ type: 'run-ended', ...end });
        return 0;
      }
      case 'publish':
        return this.attempts.publish(action.step, action.attempt);
      default:
        return this.attempts.act(action);
    }
  }

  private async report(): Promise<void> {
    try {
      await this.note({ type: 'report-written', ...(await this.ports.report(this.run, this.state)) });
    } catch (error) {
      if (error instanceof StoreAway || error instanceof Moved) throw error;
      // The results are published; a report that cannot be drawn is told of, and fails nothing.
      await this.note({ type: 'report-failed', reason: reasonOf(error) });
    }
  }

  private async note(event: RunEvent): Promise<void> {
    await this.journal.note([event]);
  }
}

/** A listener whose errors end nothing: what watches a run cannot stop it. */
const harmless =
  (told: (news: News) => void): ((news: News) => void) =>
  (news) => {
    try {
      told(news);
    } catch {
      // The history has the event.
    }
  };
