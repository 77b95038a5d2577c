import type { PublishedOutput, StepEnd } from '../domain/events.ts';
import type { Failure } from '../domain/failure.ts';
import { type Ended, refusal } from '../domain/outcome.ts';
import type { Step } from '../domain/pipeline.ts';
import type { AttemptState, RunState } from '../domain/state.ts';
import { milliseconds, spoken } from '../lib/duration.ts';
import { SluiceError } from '../lib/errors.ts';
import { type Action, runValues } from '../machine/machine.ts';
import { retryOf, timeoutOf } from '../pipeline/policies.ts';
import { afterTrouble, Batches } from './batches.ts';
import { Calls } from './calls.ts';
import type { Journal } from './journal.ts';
import type { Ports } from './ports.ts';

type OfAttempt = Extract<Action, { attempt: number }>;

/** How long to wait for a free place at the cluster before asking again. */
const slotPause = 1000;
/** How long a call is left alone; its end is told at once. */
const callPause = 2000;

/** What the engine does with the attempts of a step: start, submit, follow, call, cancel, publish, clear away. */
export class Attempts {
  private readonly batches: Batches;
  private readonly calls: Calls;
  private readonly journal: Journal;
  private readonly ports: Ports;
  private readonly fence: number;
  private readonly hold: () => Promise<void>;
  private readonly wake: () => void;
  /** Whether what an attempt staged was found good while its driver was still leaving, by key. */
  private readonly audits = new Map<string, Promise<boolean>>();

  constructor(journal: Journal, ports: Ports, fence: number, hold: () => Promise<void>, wake: () => void) {
    this.journal = journal;
    this.ports = ports;
    this.fence = fence;
    this.hold = hold;
    this.wake = wake;
    this.calls = new Calls(ports.caller, ports.now);
    this.batches = new Batches(journal, ports, hold, wake, {
      left: (step, attempt) => this.auditEarly(step, attempt),
      end: (step, attempt, how) => this.end(step, attempt, how),
    });
  }

  private get state(): RunState {
    return this.journal.state;
  }

  /** Returns the milliseconds after which to look again. */
  async act(action: OfAttempt): Promise<number> {
    const { step, attempt: number } = action;
    if (action.do === 'start') return this.start(step, number);
    const attempt = this.state.steps[step]?.attempts.find((each) => each.number === number);
    if (!attempt || attempt.ended) return 0;
    try {
      return await this.dealWith(action, attempt);
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      if (error.kind === 'rejected') {
        await this.end(step, attempt, refusal('gateway-rejected', error));
        return 0;
      }
      if (attempt.waitingSince === undefined)
        await this.journal.note([{ type: 'attempt-waiting', step, attempt: number, what: error.message }]);
      return afterTrouble;
    }
  }

  /** The intent is durable before anything leaves; a Spark application needs a place at the cluster for it. */
  private async start(step: string, number: number): Promise<number> {
    const planned = this.state.plan?.steps[step];
    if (!planned) throw new TypeError(`step ${step} is not in the plan`);
    const settings = this.state.steps[step]?.nextSettings ?? planned.settings;
    const key = `sluice-${this.state.run}-${step}-${number}`;
    const limit = this.ports.maximumApplications;
    const intended = { type: 'attempt-intended', step, attempt: number, key } as const;
    if (!settings) {
      await this.journal.note([intended]);
      return 0;
    }
    if (await this.journal.note([{ ...intended, settings }], { begins: { key, limit } })) {
      this.batches.fresh.add(key);
      return 0;
    }
    const reason = `concurrency limit reached (${limit} Spark ${limit === 1 ? 'application' : 'applications'})`;
    if (this.state.steps[step]?.held !== reason) await this.journal.note([{ type: 'step-held', step, reason }]);
    return slotPause;
  }

  private async dealWith(action: OfAttempt, attempt: AttemptState): Promise<number> {
    const { step } = action;
    const definition = this.definition(step);
    switch (action.do) {
      case 'submit':
        await this.batches.submit(step, attempt);
        return 0;
      case 'follow':
        return this.batches.follow(step, attempt);
      case 'call':
        return this.call(step, definition, attempt);
      case 'give-up': {
        const failure: Failure = { kind: 'gateway-unavailable', message: action.reason, lines: [] };
        await this.end(step, attempt, { state: 'failed', failure });
        return 0;
      }
      case 'cancel': {
        const message = `timed out after ${definition.timeout ?? spoken(timeoutOf(definition))}`;
        const late = action.why === 'timed-out';
        if (!(await this.stop(step, definition, attempt))) return afterTrouble;
        const failure: Failure | undefined = late ? { kind: 'timed-out', message, lines: [] } : undefined;
        await this.end(step, attempt, { state: failure ? 'failed' : 'cancelled', failure });
        return 0;
      }
      default:
        return 0;
    }
  }

  private definition(step: string): Step {
    const definition = this.state.pipeline?.steps[step];
    if (!definition) throw new TypeError(`there is no step ${step}`);
    return definition;
  }

  private async call(step: string, definition: Step, attempt: AttemptState): Promise<number> {
    await this.hold();
    const again = this.state.inputsLost === 0 ? '' : `-${this.state.inputsLost}`;
    const key = `sluice-${this.state.run}-${step}${again}`;
    const outcome = this.calls.ask(attempt.key, { step: definition, key, values: runValues(this.state) }, this.wake);
    if (!outcome) return callPause;
    await this.end(step, attempt, {
      state: 'answer' in outcome ? 'succeeded' : 'failed',
      ...('answer' in outcome ? { answer: outcome.answer } : { failure: outcome.failure }),
    });
    return 0;
  }

  /** Ends what an attempt has begun. False while nobody can say that it has ended. */
  private async stop(step: string, definition: Step, attempt: AttemptState): Promise<boolean> {
    await this.hold();
    if (!definition.spark) {
      await this.calls.end(attempt.key);
      return true;
    }
    return this.batches.stop(step, attempt);
  }

  private async end(step: string, attempt: AttemptState, how: Ended): Promise<void> {
    const { workspace } = this.ports;
    const given = Object.fromEntries(Object.entries(how).filter(([, value]) => value !== undefined)) as Ended;
    const event = { type: 'attempt-ended', step, attempt: attempt.number, ...given } as const;
    await this.journal.note([event as never], attempt.settings ? { ends: attempt.key } : {});
    await this.calls.end(attempt.key);
    if (!attempt.settings) return;
    // Nothing of this attempt may start from now on, also not when a request of it is still on its way.
    await workspace.revoke(step, attempt).catch(() => undefined);
    await workspace.tidy(step, attempt);
    this.batches.forget(attempt);
    if (how.state === 'succeeded') return;
    this.audits.delete(attempt.key);
    await this.discard(step, attempt);
  }

  /** What was staged and is not published is nobody's; what cannot be removed now is swept later. */
  private async discard(step: string, attempt: AttemptState): Promise<void> {
    const { publisher, workspace } = this.ports;
    const { pipeline } = this.state;
    if (!pipeline) return;
    for (const staged of workspace.staged(pipeline, step, attempt))
      await publisher.discard(staged).catch(() => undefined);
  }

  /** Ends a step; what it staged and did not publish goes, so that nobody can publish it late. */
  async endStep(step: string, state: StepEnd, reason: string): Promise<void> {
    await this.journal.note([{ type: 'step-ended', step, state, reason }]);
    const { outputs, attempts } = this.state.steps[step] ?? {};
    const last = attempts?.at(-1);
    if (!outputs && last?.ended?.state === 'succeeded') await this.discard(step, last);
  }

  /** The result is there, and so is all that it tells of: it is looked at while the driver leaves the cluster. */
  private auditEarly(step: string, attempt: AttemptState): void {
    const audit = async (): Promise<boolean> => {
      const result = await this.ports.workspace.result(step, attempt);
      if (result?.state !== 'succeeded') return false;
      await this.audit(step, { ...attempt, result });
      return true;
    };
    // What goes wrong now is found again, and told, when it is to be published.
    this.audits.set(
      attempt.key,
      audit().catch(() => false),
    );
  }

  private async audit(step: string, attempt: AttemptState): Promise<void> {
    const { publisher, workspace } = this.ports;
    if (!this.state.pipeline) return;
    for (const staged of workspace.staged(this.state.pipeline, step, attempt)) await publisher.audit(staged);
  }

  /**
   * Audits all sinks of a step before the first is published; then each at once. What is published already stays so when
   * this is done again, after a crash or when a database was away.
   */
  async publish(step: string, number: number): Promise<number> {
    const { publisher, workspace, now } = this.ports;
    const { pipeline } = this.state;
    const attempt = this.state.steps[step]?.attempts.find((each) => each.number === number);
    if (!attempt || !pipeline) return 0;
    const sinks = workspace.staged(pipeline, step, attempt);
    const outputs: PublishedOutput[] = [];
    try {
      if (!(await this.audits.get(attempt.key))) await this.audit(step, attempt);
      this.audits.delete(attempt.key);
      for (const staged of sinks) {
        await this.hold();
        outputs.push(...(await publisher.publish(staged, this.fence)));
      }
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      const patience = milliseconds(retryOf(this.definition(step)).patience);
      if (error.kind !== 'rejected' && now() - (attempt.ended?.at ?? 0) < patience) return afterTrouble;
      const done = outputs.map((output) => output.where).join(', ');
      const what = done === '' ? 'nothing was published' : `only ${done} was published`;
      await this.endStep(step, 'failed', `${what}: ${error.message}`);
      return 0;
    }
    await this.journal.note([{ type: 'outputs-published', step, attempt: number, outputs }]);
    return 0;
  }
}
