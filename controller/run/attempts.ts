import { type BatchJob, ended, type Observation } from '../backends/port.ts';
import { SluiceError } from '../errors.ts';
import { unreconciled } from './audit.ts';
import type { PublishedOutput, RunEvent } from './events.ts';
import { classify, type Failure, type FailureKind } from './failure.ts';
import { type Action, gatewayPatience } from './machine.ts';
import type { Ports } from './ports.ts';
import type { AttemptState, RunState } from './state.ts';

type OfAttempt = Extract<Action, { attempt: number }>;

/** Waits between two looks at a batch: short at first, as most jobs here are, then longer. Milliseconds. */
const look = { first: 250, factor: 1.3, longest: 2000 };
const afterTrouble = 1000;
/** How long a batch may be known to nobody: a driver needs some seconds before it shows up at the Spark master. */
const lostAfter = 60_000;

/** What the engine does with the attempts of a step: start, submit, follow, cancel, publish. */
export class Attempts {
  private readonly looks = new Map<string, number>();
  private readonly unknownSince = new Map<string, number>();
  private readonly ports: Ports;
  private readonly fence: number;
  private readonly note: (events: readonly RunEvent[]) => Promise<void>;

  constructor(ports: Ports, fence: number, note: (events: readonly RunEvent[]) => Promise<void>) {
    this.ports = ports;
    this.fence = fence;
    this.note = note;
  }

  /** Returns the milliseconds after which to look again. */
  async act(state: RunState, action: OfAttempt, run: string): Promise<number> {
    const { step, attempt: number } = action;
    if (action.do === 'start') {
      const settings = state.plan?.steps[step]?.settings;
      if (!settings) throw new TypeError(`step ${step} is not in the plan`);
      await this.note([
        { type: 'attempt-intended', step, attempt: number, key: `sluice-${run}-${step}-${number}`, settings },
      ]);
      return 0;
    }
    const attempt = state.steps[step]?.attempts.find((each) => each.number === number);
    if (!attempt || attempt.ended) return 0;
    try {
      return await this.dealWith(state, action, attempt);
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      if (error.kind === 'rejected') {
        await this.refused(state, step, attempt, 'gateway-rejected', error);
        return 0;
      }
      if (attempt.waitingSince === undefined)
        await this.note([{ type: 'attempt-waiting', step, attempt: number, what: error.message }]);
      return afterTrouble;
    }
  }

  private async dealWith(state: RunState, action: OfAttempt, attempt: AttemptState): Promise<number> {
    const { step } = action;
    switch (action.do) {
      case 'submit':
        await this.submit(state, step, attempt);
        return 0;
      case 'follow':
        return this.follow(state, step, attempt);
      case 'give-up':
        await this.end(state, step, attempt, 'failed', {
          kind: 'gateway-unavailable',
          message: action.reason,
          lines: [],
        });
        return 0;
      case 'cancel': {
        await this.ports.backend.cancel(attempt.submission ?? { key: attempt.key, id: '' });
        const failure: Failure | undefined =
          action.why === 'timed-out'
            ? { kind: 'timed-out', message: `it took longer than ${state.pipeline?.steps[step]?.timeout}`, lines: [] }
            : undefined;
        await this.end(state, step, attempt, failure ? 'failed' : 'cancelled', failure);
        return 0;
      }
      default:
        return 0;
    }
  }

  /** The intent is in the history already. After a crash or an unknown outcome the backend is asked before it is told. */
  private async submit(state: RunState, step: string, attempt: AttemptState): Promise<void> {
    const { backend } = this.ports;
    let job: BatchJob;
    try {
      job = await this.prepare(state, step, attempt);
    } catch (error) {
      if (!(error instanceof SluiceError) || error.kind !== 'rejected') throw error;
      return this.refused(state, step, attempt, 'not-prepared', error);
    }
    const submission = (await backend.find(attempt.key)) ?? (await backend.submit(job, attempt.key));
    await this.reached(step, attempt);
    await this.note([{ type: 'attempt-submitted', step, attempt: attempt.number, submission }]);
  }

  private async prepare(state: RunState, step: string, attempt: AttemptState): Promise<BatchJob> {
    const { publisher, workspace } = this.ports;
    const { pipeline, profiles } = state;
    if (!pipeline || !profiles) throw new TypeError(`step ${step} is submitted before its sources are measured`);
    for (const staged of workspace.staged(pipeline, step, attempt)) await publisher.prepare(staged);
    const pins = Object.fromEntries(Object.entries(profiles).map(([name, profile]) => [name, profile.pin]));
    return workspace.prepare(pipeline, step, attempt, pins);
  }

  private refused(
    state: RunState,
    step: string,
    attempt: AttemptState,
    kind: FailureKind,
    error: SluiceError,
  ): Promise<void> {
    const lines = error.hint === undefined ? [] : [error.hint];
    return this.end(state, step, attempt, 'failed', { kind, message: error.message, lines });
  }

  private async follow(state: RunState, step: string, attempt: AttemptState): Promise<number> {
    const { backend, told } = this.ports;
    if (!attempt.submission) return 0;
    const seen = await backend.observe(attempt.submission);
    await this.reached(step, attempt);
    if (seen.progress) told({ kind: 'progress', step, progress: seen.progress });
    if (seen.applicationId !== undefined && attempt.applicationId === undefined) {
      const ui = seen.ui === undefined ? {} : { ui: seen.ui };
      await this.note([
        { type: 'application-found', step, attempt: attempt.number, applicationId: seen.applicationId, ...ui },
      ]);
    }
    if (ended(seen.state)) {
      await this.settle(state, step, attempt, seen);
      return 0;
    }
    if (seen.unknown) return this.missing(state, step, attempt);
    this.unknownSince.delete(attempt.key);
    const wait = Math.min(look.longest, (this.looks.get(attempt.key) ?? look.first) * look.factor);
    this.looks.set(attempt.key, wait);
    return wait;
  }

  /** Notes that a gateway which was away has answered again. */
  private async reached(step: string, attempt: AttemptState): Promise<void> {
    if (attempt.waitingSince === undefined) return;
    await this.note([
      { type: 'attempt-reached', step, attempt: attempt.number, waitedMs: this.ports.now() - attempt.waitingSince },
    ]);
  }

  /** Nobody knows the batch: its result file may tell, else it is given time to show up. */
  private async missing(state: RunState, step: string, attempt: AttemptState): Promise<number> {
    const { now, workspace } = this.ports;
    if (await workspace.result(step, attempt)) {
      await this.settle(state, step, attempt, { state: 'succeeded' });
      return 0;
    }
    const since = this.unknownSince.get(attempt.key) ?? now();
    this.unknownSince.set(attempt.key, since);
    if (now() - since < lostAfter) return afterTrouble;
    const message = `neither the gateway nor Spark has known ${attempt.key} for ${lostAfter / 1000} s`;
    await this.end(state, step, attempt, 'failed', { kind: 'lost', message, lines: [] });
    return 0;
  }

  /** The batch is over; its result file says more than the backend does. */
  private async settle(state: RunState, step: string, attempt: AttemptState, seen: Observation): Promise<void> {
    const { backend, workspace } = this.ports;
    const result = await workspace.result(step, attempt);
    if (seen.state === 'succeeded' && result?.state === 'succeeded') {
      const problems = unreconciled(result, state.profiles ?? {});
      if (problems.length === 0) return this.end(state, step, attempt, 'succeeded', undefined, result);
      return this.end(
        state,
        step,
        attempt,
        'failed',
        { kind: 'audit', message: problems[0] ?? '', lines: problems },
        result,
      );
    }
    const log = attempt.submission ? await backend.logs(attempt.submission).catch(() => []) : [];
    const detail = seen.state === 'succeeded' ? 'it ended without a result file' : seen.detail;
    await this.end(state, step, attempt, 'failed', classify({ detail, runner: result?.error, log }), result);
  }

  private async end(
    state: RunState,
    step: string,
    attempt: AttemptState,
    how: 'succeeded' | 'failed' | 'cancelled',
    failure?: Failure,
    result?: AttemptState['result'],
  ): Promise<void> {
    const { publisher, workspace } = this.ports;
    await this.note([
      {
        type: 'attempt-ended',
        step,
        attempt: attempt.number,
        state: how,
        ...(failure ? { failure } : {}),
        ...(result ? { result } : {}),
      },
    ]);
    await workspace.tidy(step, attempt);
    if (how === 'succeeded' || !state.pipeline) return;
    // What a lost attempt staged is nobody's; when it cannot be removed now it does no harm.
    for (const staged of workspace.staged(state.pipeline, step, attempt))
      await publisher.discard(staged).catch(() => undefined);
  }

  /**
   * Audits all sinks of a step before the first is published; then each at once. What is published already stays so when
   * this is done again, after a crash or when a database was away.
   */
  async publish(state: RunState, step: string, number: number): Promise<number> {
    const { publisher, workspace, now } = this.ports;
    const attempt = state.steps[step]?.attempts.find((each) => each.number === number);
    if (!attempt || !state.pipeline) return 0;
    const sinks = workspace.staged(state.pipeline, step, attempt);
    const outputs: PublishedOutput[] = [];
    try {
      for (const staged of sinks) await publisher.audit(staged);
      for (const staged of sinks) outputs.push(...(await publisher.publish(staged, this.fence)));
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      const patient = now() - (attempt.ended?.at ?? 0) < gatewayPatience;
      if (error.kind !== 'rejected' && patient) return afterTrouble;
      const done = outputs.map((output) => output.where).join(', ');
      const what = done === '' ? 'nothing was published' : `only ${done} was published`;
      await this.note([{ type: 'step-ended', step, state: 'failed', reason: `${what}: ${error.message}` }]);
      return 0;
    }
    await this.note([{ type: 'outputs-published', step, attempt: number, outputs }]);
    return 0;
  }
}
