import type { Action } from '../machine/machine.ts';
import { ConcurrencyConflictError, StoreUnavailableError } from './journal.ts';

/** An action that takes time; returns the milliseconds after which it makes sense to repeat it. */
type Act = (action: Action) => Promise<number>;

/** Poll interval of the machine without any news: time alone can change the next actions. Milliseconds. */
const pollIntervalMs = 1000;
/** Pause after an action that failed unexpectedly. Milliseconds. */
const failurePauseMs = 5000;

const subjectOf = (action: Action): string => ('step' in action ? action.step : '');
const nameOf = (action: Action): string => ('attempt' in action ? `${action.do} ${action.attempt}` : action.do);

/**
 * Runs the actions of a run. Steps do not wait for each other; each step performs one action at a time. Actions of the
 * run as a whole run alone.
 */
export class ActionRunner {
  private readonly running = new Map<string, Promise<void>>();
  private readonly due = new Map<string, { readonly name: string; readonly at: number }>();
  /** Steps that are being started. The history does not count their attempts yet. */
  private starts = 0;
  private failed: unknown[] = [];
  private readonly act: Act;
  private readonly now: () => number;
  private readonly onActionEnd: () => void;

  constructor(act: Act, now: () => number, onActionEnd: () => void) {
    this.act = act;
    this.now = now;
    this.onActionEnd = onActionEnd;
  }

  /** Starts the actions that can start; returns the milliseconds until the next decision. */
  startDue(actions: readonly Action[]): number {
    const now = this.now();
    // One decision respects its limits. The next decision must wait until the history has the started attempts.
    const starting = this.starts > 0;
    const waits = actions.map((action) => {
      if (action.do === 'wait') return Math.max(0, action.until - now);
      const subject = subjectOf(action);
      const due = this.due.get(subject);
      if (due?.name === nameOf(action) && due.at > now) return due.at - now;
      const busy = subject === '' ? this.running.size > 0 : this.running.has(subject) || this.running.has('');
      if (!busy && !(starting && action.do === 'start')) this.start(subject, action);
      return pollIntervalMs;
    });
    return Math.min(pollIntervalMs, ...waits);
  }

  /** Throws the failure of an action. A conflict or an unavailable store only leads to another decision. */
  throwFailure(): void {
    const [failed] = this.failed.sort(
      (a, b) => Number(a instanceof StoreUnavailableError) - Number(b instanceof StoreUnavailableError),
    );
    this.failed = [];
    if (failed !== undefined) throw failed;
  }

  /** Ends all pauses: pending actions are repeated at once. */
  clearPauses(): void {
    this.due.clear();
  }

  async whenIdle(): Promise<void> {
    await Promise.all(this.running.values());
  }

  private start(subject: string, action: Action): void {
    const pauseAfter = (ms: number): void => void this.due.set(subject, { name: nameOf(action), at: this.now() + ms });
    const starts = action.do === 'start' ? 1 : 0;
    this.starts += starts;
    const task = this.act(action)
      .then(pauseAfter, (error: unknown) => {
        if (error instanceof ConcurrencyConflictError) return;
        this.failed.push(error);
        if (!(error instanceof StoreUnavailableError)) pauseAfter(failurePauseMs);
      })
      .finally(() => {
        this.starts -= starts;
        this.running.delete(subject);
        this.onActionEnd();
      });
    this.running.set(subject, task);
  }
}
