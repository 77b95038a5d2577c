import type { PublishedOutput, StepEnd } from '../domain/events.ts';
import type { Failure } from '../domain/failure.ts';
import { type AttemptOutcome, rejectedOutcome } from '../domain/outcome.ts';
import type { Step } from '../domain/pipeline.ts';
import type { RunState } from '../domain/state.ts';
import type { AttemptState } from '../domain/step-state.ts';
import { formatDuration, milliseconds } from '../lib/duration.ts';
import { SluiceError } from '../lib/errors.ts';
import { type Action, runValues } from '../machine/machine.ts';
import { retryOf, timeoutOf } from '../pipeline/policies.ts';
import { traceparentFor } from '../telemetry/ids.ts';
import { Batches, unavailablePauseMs } from './batches.ts';
import type { Journal } from './journal.ts';
import type { Ports } from './ports.ts';
import { RunningTasks } from './tasks.ts';

type OfAttempt = Extract<Action, { attempt: number }>;

/** Pause before a step that was held back asks for a slot again. */
const slotPollMs = 1000;
/** Pause between two polls of a running task; its end wakes the engine at once. */
const taskPollMs = 2000;

/** The actions on attempts of steps: start, submit, poll, run tasks, cancel, publish, clean up. */
export class Attempts {
  private readonly batches: Batches;
  private readonly tasks: RunningTasks;
  private readonly journal: Journal;
  private readonly ports: Ports;
  private readonly runNumber: number;
  private readonly assertLease: () => Promise<void>;
  private readonly wake: () => void;
  /** Early audits by attempt key: true when the staged output passed while the Spark driver was still shutting down. */
  private readonly audits = new Map<string, Promise<boolean>>();

  constructor(journal: Journal, ports: Ports, runNumber: number, assertLease: () => Promise<void>, wake: () => void) {
    this.journal = journal;
    this.ports = ports;
    this.runNumber = runNumber;
    this.assertLease = assertLease;
    this.wake = wake;
    this.tasks = new RunningTasks(ports.taskRunner, ports.now);
    this.batches = new Batches(journal, ports, assertLease, wake, {
      resultReady: (step, attempt) => this.auditEarly(step, attempt),
      ended: (step, attempt, how) => this.end(step, attempt, how),
    });
  }

  private get state(): RunState {
    return this.journal.state;
  }

  /** Returns the milliseconds until the next poll. */
  async act(action: OfAttempt): Promise<number> {
    const { step, attempt: number } = action;
    if (action.do === 'start') return this.start(step, number);
    const attempt = this.state.steps[step]?.attempts.find((each) => each.number === number);
    if (!attempt || attempt.ended) return 0;
    try {
      return await this.perform(action, attempt);
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      if (error.kind === 'rejected') {
        await this.end(step, attempt, rejectedOutcome('gateway-rejected', error));
        return 0;
      }
      if (attempt.waitingSince === undefined)
        await this.journal.append([{ type: 'attempt-waiting', step, attempt: number, what: error.message }]);
      return unavailablePauseMs;
    }
  }

  /** Stores the intent before any request leaves. For a Spark application, the intent takes a slot. */
  private async start(step: string, number: number): Promise<number> {
    const planned = this.state.plan?.steps[step];
    if (!planned) throw new TypeError(`step ${step} is not in the plan`);
    const settings = this.state.steps[step]?.nextSettings ?? planned.settings;
    const key = `sluice-${this.state.run}-${step}-${number}`;
    const limit = this.ports.maximumApplications;
    const intended = { type: 'attempt-intended', step, attempt: number, key } as const;
    if (!settings) {
      await this.journal.append([intended]);
      return 0;
    }
    if (await this.journal.append([{ ...intended, settings }], { takesSlot: { key, limit } })) {
      this.batches.unsubmitted.add(key);
      return 0;
    }
    const reason = `concurrency limit reached (${limit} Spark ${limit === 1 ? 'application' : 'applications'})`;
    if (this.state.steps[step]?.heldReason !== reason) await this.journal.append([{ type: 'step-held', step, reason }]);
    return slotPollMs;
  }

  private async perform(action: OfAttempt, attempt: AttemptState): Promise<number> {
    const { step } = action;
    const definition = this.definition(step);
    switch (action.do) {
      case 'submit':
        await this.batches.submit(step, attempt);
        return 0;
      case 'follow':
        return this.batches.follow(step, attempt);
      case 'call':
        return this.runTask(step, definition, attempt);
      case 'give-up': {
        const failure: Failure = { kind: 'gateway-unavailable', message: action.reason, lines: [] };
        await this.end(step, attempt, { state: 'failed', failure });
        return 0;
      }
      case 'cancel': {
        const message = `timed out after ${definition.timeout ?? formatDuration(timeoutOf(definition))}`;
        const late = action.why === 'timed-out';
        if (!(await this.stop(step, definition, attempt))) return unavailablePauseMs;
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

  private async runTask(step: string, definition: Step, attempt: AttemptState): Promise<number> {
    await this.assertLease();
    const { run = '', cause, inputsLost } = this.state;
    const key = `sluice-${run}-${step}${inputsLost === 0 ? '' : `-${inputsLost}`}`;
    const traceparent = traceparentFor(run, cause, step, attempt.number);
    const request = { step: definition, key, values: runValues(this.state), traceparent };
    const outcome = this.tasks.poll(attempt.key, request, this.wake);
    if (!outcome) return taskPollMs;
    await this.end(step, attempt, { state: 'answer' in outcome ? 'succeeded' : 'failed', ...outcome });
    return 0;
  }

  /** Stops what an attempt started. False until its end is confirmed. */
  private async stop(step: string, definition: Step, attempt: AttemptState): Promise<boolean> {
    await this.assertLease();
    if (!definition.spark) {
      await this.tasks.abort(attempt.key);
      return true;
    }
    return this.batches.stop(step, attempt);
  }

  private async end(step: string, attempt: AttemptState, outcome: AttemptOutcome): Promise<void> {
    const { workspace } = this.ports;
    const known = Object.fromEntries(
      Object.entries(outcome).filter(([, value]) => value !== undefined),
    ) as AttemptOutcome;
    const event = { type: 'attempt-ended', step, attempt: attempt.number, ...known } as const;
    await this.journal.append([event as never], attempt.settings ? { freesSlot: attempt.key } : {});
    await this.tasks.abort(attempt.key);
    if (!attempt.settings) return;
    // From now on nothing of this attempt may start, even if a request is still in transit.
    await workspace.revoke(step, attempt).catch(() => undefined);
    await workspace.removeSecrets(step, attempt);
    this.batches.forget(attempt);
    if (outcome.state === 'succeeded') return;
    this.audits.delete(attempt.key);
    await this.discard(step, attempt);
  }

  /** Discards unpublished staged output. If it cannot be removed now, the janitor removes it. */
  private async discard(step: string, attempt: AttemptState): Promise<void> {
    const { publisher, workspace } = this.ports;
    const { pipeline } = this.state;
    if (!pipeline) return;
    for (const staged of workspace.staged(pipeline, step, attempt))
      await publisher.discard(staged).catch(() => undefined);
  }

  /** Ends a step and discards its unpublished output, so that it cannot be published later. */
  async endStep(step: string, state: StepEnd, reason: string): Promise<void> {
    await this.journal.append([{ type: 'step-ended', step, state, reason }]);
    const { outputs, attempts } = this.state.steps[step] ?? {};
    const last = attempts?.at(-1);
    if (!outputs && last?.ended?.state === 'succeeded') await this.discard(step, last);
  }

  /** The result is complete: audits the staged output while the Spark driver shuts down. */
  private auditEarly(step: string, attempt: AttemptState): void {
    const audit = async (): Promise<boolean> => {
      const result = await this.ports.workspace.result(step, attempt);
      if (result?.state !== 'succeeded') return false;
      await this.audit(step, { ...attempt, result });
      return true;
    };
    // A failed early audit is repeated, and reported, at publication.
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
   * Audits all sinks of a step before it publishes the first one. Repeating it, after a crash or a database failure,
   * leaves published output unchanged.
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
        await this.assertLease();
        outputs.push(...(await publisher.publish(staged, this.runNumber)));
      }
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      const gatewayTimeoutMs = milliseconds(retryOf(this.definition(step)).patience);
      if (error.kind !== 'rejected' && now() - (attempt.ended?.at ?? 0) < gatewayTimeoutMs) return unavailablePauseMs;
      const done = outputs.map((output) => output.where).join(', ');
      await this.endStep(step, 'failed', `${done === '' ? 'nothing' : `only ${done}`} was published: ${error.message}`);
      return 0;
    }
    await this.journal.append([{ type: 'outputs-published', step, attempt: number, outputs }]);
    return 0;
  }

  /** Compares a published step with the embedded engine. What cannot be compared is no failure of the run. */
  async shadow(step: string, number: number): Promise<number> {
    const { pipeline, plan, profiles, steps } = this.state;
    const attempt = steps[step]?.attempts.find((each) => each.number === number);
    if (!attempt || !pipeline || !profiles) return 0;
    const stopped = (): string | undefined =>
      this.state.cancelRequested === undefined ? undefined : 'the run was cancelled';
    const { pair } = plan?.steps[step] ?? {};
    const of = { pipeline, profiles, step, attempt, pair, runNumber: this.runNumber, stopped };
    const found = await this.ports.shadow?.(of).catch((error: unknown) => {
      if (error instanceof SluiceError) return { rows: 0, skipped: error.message };
      throw error;
    });
    await this.journal.append([{ type: 'shadow-compared', step, attempt: number, ...(found ?? { rows: 0 }) }]);
    return 0;
  }
}
