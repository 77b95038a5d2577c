import type { Lease } from '../domain/ports/store.ts';
import { reasonOf, SluiceError } from '../lib/errors.ts';
import { LeaseLostError, StoreUnavailableError } from './journal.ts';
import type { RunUpdate } from './ports.ts';

/** An orphaned run that this process has claimed; `from` names the previous controller. */
export interface ClaimedRun {
  readonly run: string;
  readonly number: number;
  readonly lease: Lease;
  readonly from?: string;
}

/** Claims and executes runs for a worker. */
export interface RunHost {
  claimOrphanedRuns(limit: number, except: (run: string) => boolean): Promise<readonly ClaimedRun[]>;
  /** Executes a run to its end. Throws LeaseLostError when another controller has taken over. */
  execute(claimed: ClaimedRun, onUpdate: (update: RunUpdate) => void): Promise<unknown>;
  sleep(ms: number): Promise<void>;
  now(): number;
}

/** Interval of the search for orphaned runs. Milliseconds. */
const pollIntervalMs = 1000;
/** Poll interval of a drain. Milliseconds. */
const drainPollMs = 200;
/** How long a run that failed unexpectedly is left to other controllers. Milliseconds. */
const backoffMs = 30_000;

/** Claims and executes orphaned and detached runs. */
export class Worker {
  private readonly running = new Map<string, Promise<void>>();
  private readonly backoffUntil = new Map<string, number>();
  private isStopped = false;
  private polling: Promise<void> = Promise.resolve();
  private readonly host: RunHost;
  private readonly onUpdate: (run: string, update: RunUpdate) => void;

  constructor(host: RunHost, onUpdate: (run: string, update: RunUpdate) => void) {
    this.host = host;
    this.onUpdate = onUpdate;
  }

  get size(): number {
    return this.running.size;
  }

  /** Starts to claim runs, and executes up to `limit` at a time. */
  start(limit: number): void {
    this.polling = this.pollLoop(limit);
  }

  /**
   * Stops claiming, and waits up to `drainMs` for the runs in progress to end. Returns those that have not, which other
   * controllers can claim once this one has closed.
   */
  async stop(drainMs = 0): Promise<string[]> {
    this.isStopped = true;
    await this.polling;
    for (const until = this.host.now() + drainMs; this.running.size > 0 && this.host.now() < until; )
      await this.host.sleep(Math.min(drainPollMs, until - this.host.now()));
    return [...this.running.keys()];
  }

  private async pollLoop(limit: number): Promise<void> {
    while (!this.isStopped) {
      try {
        const capacity = limit - this.running.size;
        const claimedRuns =
          capacity > 0 ? await this.host.claimOrphanedRuns(capacity, (run) => this.isBackedOff(run)) : [];
        for (const claimed of claimedRuns) {
          const { run } = claimed;
          const execution = this.host
            .execute(claimed, (update) => this.emit(run, update))
            .then(
              () => undefined,
              (error: unknown) => this.handleFailure(run, error),
            )
            .finally(() => this.running.delete(run));
          this.running.set(run, execution);
        }
      } catch (error) {
        // An unavailable store is asked again; any other error is reported, and the runs in progress continue.
        if (!(error instanceof SluiceError || error instanceof StoreUnavailableError))
          this.note('', `unexpected: ${reasonOf(error)}`);
      }
      await this.host.sleep(pollIntervalMs);
    }
  }

  private isBackedOff(run: string): boolean {
    return (this.backoffUntil.get(run) ?? 0) > this.host.now();
  }

  private handleFailure(run: string, error: unknown): void {
    const isLeaseLost = error instanceof LeaseLostError;
    if (!isLeaseLost) this.backoffUntil.set(run, this.host.now() + backoffMs);
    this.note(run, `${isLeaseLost ? 'gave way' : 'left alone'}: ${reasonOf(error)}`);
  }

  private note(run: string, text: string): void {
    this.emit(run, { kind: 'note', text });
  }

  private emit(run: string, update: RunUpdate): void {
    try {
      this.onUpdate(run, update);
    } catch {
      // Errors of an observer must not stop the runs.
    }
  }
}
