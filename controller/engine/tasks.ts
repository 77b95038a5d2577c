import type { Action } from '../machine/machine.ts';
import { Moved, StoreAway } from './journal.ts';

/** An action that takes time; returns the milliseconds after which it makes sense to repeat it. */
type Act = (action: Action) => Promise<number>;

/** How often the machine is asked although nothing has happened: time alone can change what is next. Milliseconds. */
const askEvery = 1000;
/** The pause before an action is repeated that failed in a way Sluice does not know. Milliseconds. */
const afterFailure = 5000;

const subjectOf = (action: Action): string => ('step' in action ? action.step : '');
const nameOf = (action: Action): string => ('attempt' in action ? `${action.do} ${action.attempt}` : action.do);

/**
 * The actions of a run that are under way. Steps do not wait for each other; of each step, one action is done at a time.
 * What concerns the run as a whole is done alone.
 */
export class Tasks {
  private readonly running = new Map<string, Promise<void>>();
  private readonly due = new Map<string, { readonly name: string; readonly at: number }>();
  /** How many steps are being started: what is not in the history yet is in no count of what lives. */
  private starts = 0;
  private failed: unknown[] = [];
  private readonly act: Act;
  private readonly now: () => number;
  private readonly ended: () => void;

  constructor(act: Act, now: () => number, ended: () => void) {
    this.act = act;
    this.now = now;
    this.ended = ended;
  }

  /** Begins those actions that can begin; returns the milliseconds after which the machine is to be asked again. */
  begin(actions: readonly Action[]): number {
    const now = this.now();
    // Those of one decision are within its limits together; the next decision has to know of them.
    const starting = this.starts > 0;
    const waits = actions.map((action) => {
      if (action.do === 'wait') return Math.max(0, action.until - now);
      const subject = subjectOf(action);
      const due = this.due.get(subject);
      if (due?.name === nameOf(action) && due.at > now) return due.at - now;
      const busy = subject === '' ? this.running.size > 0 : this.running.has(subject) || this.running.has('');
      if (!busy && !(starting && action.do === 'start')) this.start(subject, action);
      return askEvery;
    });
    return Math.min(askEvery, ...waits);
  }

  /** Throws what an action has failed with. An action that came too late, or found the store away, is just decided upon again. */
  rethrow(): void {
    const [failed] = this.failed.sort((a, b) => Number(a instanceof StoreAway) - Number(b instanceof StoreAway));
    this.failed = [];
    if (failed !== undefined) throw failed;
  }

  /** Repeats at once whatever is repeated. */
  hurry(): void {
    this.due.clear();
  }

  async settled(): Promise<void> {
    await Promise.all(this.running.values());
  }

  private start(subject: string, action: Action): void {
    const pauseAfter = (ms: number): void => void this.due.set(subject, { name: nameOf(action), at: this.now() + ms });
    const starts = action.do === 'start' ? 1 : 0;
    this.starts += starts;
    const task = this.act(action)
      .then(pauseAfter, (error: unknown) => {
        if (error instanceof Moved) return;
        this.failed.push(error);
        if (!(error instanceof StoreAway)) pauseAfter(afterFailure);
      })
      .finally(() => {
        this.starts -= starts;
        this.running.delete(subject);
        this.ended();
      });
    this.running.set(subject, task);
  }
}
