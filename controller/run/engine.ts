import { makePlan } from '../decide/plan.ts';
import { reasonOf, SluiceError } from '../errors.ts';
import { profileAll } from '../profile/all.ts';
import type { Lease } from '../store/port.ts';
import { Attempts } from './attempts.ts';
import type { Recorded, RunEnd, RunEvent } from './events.ts';
import { type Action, decide } from './machine.ts';
import type { Ports } from './ports.ts';
import { fold, type RunState } from './state.ts';

export interface RunOptions {
  /** Treat all rows as new, whatever earlier runs have read. */
  readonly fullRefresh?: boolean;
}

/** How long a lease lasts without being renewed, and so how soon another controller may take a run over. */
export const leaseMs = 10_000;

/** One run and the right to drive it. */
export class Engine {
  private state: RunState = { steps: {} };
  private history: Recorded[] = [];
  private waitMs = 0;
  private readonly attempts: Attempts;
  readonly run: string;
  private readonly lease: Lease;
  private readonly ports: Ports;
  private readonly options: RunOptions;

  constructor(run: string, number: number, lease: Lease, ports: Ports, options: RunOptions = {}) {
    this.run = run;
    this.lease = lease;
    this.ports = ports;
    this.options = options;
    this.attempts = new Attempts(ports, number, (events) => this.note(...events));
  }

  /** Drives the run to its end and returns its state. */
  async drive(): Promise<RunState> {
    while (!(await this.turn())) await this.ports.sleep(this.waitMs);
    return this.state;
  }

  /** One turn: take in what others have noted, decide, act. True when the run has ended; else `waitMs` is set. */
  async turn(): Promise<boolean> {
    const { store, now } = this.ports;
    this.take(await store.history(this.run, this.history.length));
    this.waitMs = 0;
    const actions = decide(this.state, now());
    const waits = await Promise.all(actions.map((action) => this.act(action)));
    this.waitMs = actions.length === 0 ? 500 : Math.min(...waits);
    return this.state.ended !== undefined;
  }

  /** Does one action and returns the milliseconds after which it makes sense to look again. */
  private async act(action: Action): Promise<number> {
    const { now } = this.ports;
    switch (action.do) {
      case 'measure':
        await this.measure();
        return 0;
      case 'plan':
        await this.plan();
        return 0;
      case 'wait':
        return Math.min(1000, Math.max(0, action.until - now()));
      case 'retry': {
        const { step, attempt, at, reason } = action;
        await this.note({ type: 'retry-scheduled', step, attempt, at, reason });
        return 0;
      }
      case 'fall-back':
        await this.note({ type: 'fallback-chosen', step: action.step, to: action.to, reason: action.reason });
        return 0;
      case 'end-step':
        await this.note({ type: 'step-ended', step: action.step, state: action.state, reason: action.reason });
        return 0;
      case 'report':
        await this.report();
        return 0;
      case 'end':
        await this.end(action.state, action.reason);
        return 0;
      case 'publish':
        return this.attempts.publish(this.state, action.step, action.attempt);
      default:
        return this.attempts.act(this.state, action, this.run);
    }
  }

  private async measure(): Promise<void> {
    const { store, probe, told } = this.ports;
    const { pipeline } = this.state;
    if (!pipeline) return;
    try {
      const previous = this.options.fullRefresh ? {} : await store.lastPins(pipeline.name);
      const profiles = await profileAll(probe, pipeline, previous, (source, profile, ms) =>
        told({ kind: 'measured', source, profile, ms }),
      );
      await this.note({ type: 'sources-measured', profiles });
    } catch (error) {
      await this.fail('the sources could not be measured', error);
    }
  }

  private async plan(): Promise<void> {
    const { pipeline, profiles } = this.state;
    if (!pipeline || !profiles) return;
    try {
      await this.note({ type: 'planned', plan: makePlan(pipeline, profiles, await this.ports.cluster()) });
    } catch (error) {
      await this.fail('no plan could be made', error);
    }
  }

  /** Ends a run before its first step: with the error's own words and exit code. */
  private async fail(what: string, error: unknown): Promise<void> {
    if (!(error instanceof SluiceError)) throw error;
    const hint = error.hint === undefined ? '' : ` (${error.hint})`;
    await this.end('failed', `${what}: ${error.message}${hint}`, error.kind === 'rejected' ? 2 : 3);
  }

  private async report(): Promise<void> {
    try {
      await this.note({ type: 'report-written', ...(await this.ports.report(this.run, this.state)) });
    } catch (error) {
      // The results are published; a report that cannot be drawn is told of, and fails nothing.
      await this.note({ type: 'report-failed', reason: reasonOf(error) });
    }
  }

  private async end(state: RunEnd, reason: string, exitCode?: number): Promise<void> {
    await this.note({ type: 'run-ended', state, reason, ...(exitCode === undefined ? {} : { exitCode }) });
  }

  /** Makes events durable, with the summary and mails they amount to, and then takes them in. */
  private async note(...events: RunEvent[]): Promise<void> {
    const { store, now, messages } = this.ports;
    const at = now();
    const ended = events.find((event) => event.type === 'run-ended');
    const planned = events.find((event) => event.type === 'planned');
    // Mails tell the end as part of the same transaction, so they are rendered from the state it will lead to.
    const after = ended
      ? fold([...this.history, ...events.map((event, i) => ({ seq: this.history.length + i + 1, at, event }))])
      : undefined;
    await store.append(this.run, this.lease, at, {
      events,
      summary: {
        ...(ended
          ? { state: ended.state, reason: ended.reason, ended: at }
          : this.state.plan
            ? {}
            : { state: 'running' }),
        ...(planned ? { branch: planned.plan.choice.branch ?? '', reason: planned.plan.reason } : {}),
      },
      ...(after ? { messages: messages(this.run, after) } : {}),
    });
    this.take(await store.history(this.run, this.history.length));
  }

  private take(records: readonly Recorded[]): void {
    // Two steps may note at once and both be told of the same records.
    const fresh = records.filter((record) => record.seq > this.history.length);
    if (fresh.length === 0) return;
    this.history = [...this.history, ...fresh];
    this.state = fold(this.history);
    for (const record of fresh) this.ports.told({ kind: 'event', record, state: this.state });
  }
}
