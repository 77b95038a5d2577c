import { classify, type Failure } from '../domain/failure.ts';
import { type AttemptOutcome, rejectedOutcome } from '../domain/outcome.ts';
import { type BatchJob, hasEnded, type Observation } from '../domain/ports/backend.ts';
import type { RunState } from '../domain/state.ts';
import type { AttemptState } from '../domain/step-state.ts';
import { SluiceError } from '../lib/errors.ts';
import { unreconciled } from '../machine/audit.ts';
import type { Journal } from './journal.ts';
import { backendOf, type Ports } from './ports.ts';

/** Growth of the pause between two polls of a batch. */
const pollBackoffFactor = 1.3;
/** Poll interval once the result file exists. Milliseconds. */
const fastPollMs = 10;
/** Pause after an unavailable backend. Milliseconds. */
export const unavailablePauseMs = 1000;

/** Called with the outcome of a batch. */
interface BatchCallbacks {
  /** The runner has written its result; the driver may still be running. */
  readonly resultReady: (step: string, attempt: AttemptState) => void;
  readonly ended: (step: string, attempt: AttemptState, outcome: AttemptOutcome) => Promise<void>;
}

/** The lifecycle of a batch, on Spark or on the embedded engine: prepares it, submits it once, follows it to its end, and classifies that. */
export class Batches {
  /** Keys whose intent this process has just recorded, and which cannot have been submitted before. */
  readonly unsubmitted = new Set<string>();
  private readonly pollDelays = new Map<string, number>();
  private readonly firstMissedAt = new Map<string, number>();
  /** Watched result files, by attempt key. */
  private readonly results = new Map<string, { isReady: boolean; readonly stopWatching: () => void }>();
  private readonly journal: Journal;
  private readonly ports: Ports;
  private readonly assertLease: () => Promise<void>;
  private readonly wake: () => void;
  private readonly callbacks: BatchCallbacks;

  constructor(
    journal: Journal,
    ports: Ports,
    assertLease: () => Promise<void>,
    wake: () => void,
    callbacks: BatchCallbacks,
  ) {
    this.wake = wake;
    this.journal = journal;
    this.ports = ports;
    this.assertLease = assertLease;
    this.callbacks = callbacks;
  }

  private get state(): RunState {
    return this.journal.state;
  }

  /** Submits an attempt. First looks up its key at the backend, unless this process has just created it. */
  async submit(step: string, attempt: AttemptState): Promise<void> {
    const backend = backendOf(this.ports, attempt);
    let job: BatchJob;
    try {
      job = await this.prepare(step, attempt);
    } catch (error) {
      if (!(error instanceof SluiceError) || error.kind !== 'rejected') throw error;
      return this.callbacks.ended(step, attempt, rejectedOutcome('not-prepared', error));
    }
    const found = this.unsubmitted.delete(attempt.key) ? undefined : await backend.find(attempt.key);
    if (!found && !(await this.arePinsReadable(step))) {
      const message = 'a PostgreSQL snapshot was lost with the controller that exported it';
      return this.callbacks.ended(step, attempt, {
        state: 'failed',
        failure: { kind: 'inputs-lost', message, lines: [] },
      });
    }
    if (!found) await this.assertLease();
    const submission = found ?? (await backend.submit(job, attempt.key));
    await this.recordReachable(step, attempt);
    await this.journal.append([{ type: 'attempt-submitted', step, attempt: attempt.number, submission }]);
  }

  private async prepare(step: string, attempt: AttemptState): Promise<BatchJob> {
    const { publisher, workspace } = this.ports;
    const { pipeline, profiles, cause } = this.state;
    if (!pipeline || !profiles) throw new TypeError(`step ${step} is submitted before its sources are measured`);
    await this.assertLease();
    for (const staged of workspace.staged(pipeline, step, attempt)) await publisher.prepare(staged);
    const pins = Object.fromEntries(Object.entries(profiles).map(([name, profile]) => [name, profile.pin]));
    return workspace.prepare(pipeline, step, attempt, pins, cause);
  }

  /** Whether the pinned inputs of the step are still readable. */
  private async arePinsReadable(step: string): Promise<boolean> {
    const { pipeline, profiles } = this.state;
    const inputs = pipeline?.steps[step]?.spark?.inputs ?? Object.keys(pipeline?.sources ?? {});
    for (const name of inputs) {
      const [source, profile] = [pipeline?.sources[name], profiles?.[name]];
      if (source && profile && !(await this.ports.sourceReader.isReadable(source, profile.pin))) return false;
    }
    return true;
  }

  /** Returns the milliseconds until the next poll. */
  async follow(step: string, attempt: AttemptState): Promise<number> {
    const backend = backendOf(this.ports, attempt);
    const { onUpdate } = this.ports;
    if (!attempt.submission) return 0;
    const result = this.results.get(attempt.key) ?? this.watchResult(step, attempt);
    const seen = await backend.observe(attempt.submission);
    await this.recordReachable(step, attempt);
    if (seen.progress) onUpdate({ kind: 'progress', step, progress: seen.progress });
    if (seen.applicationId !== undefined && attempt.applicationId === undefined) {
      const ui = seen.ui === undefined ? {} : { ui: seen.ui };
      await this.journal.append([
        { type: 'application-found', step, attempt: attempt.number, applicationId: seen.applicationId, ...ui },
      ]);
    }
    if (hasEnded(seen.state)) {
      await this.conclude(step, attempt, seen);
      return 0;
    }
    if (seen.unknown || seen.state === 'pending') {
      if (await this.giveUpIfLost(step, attempt, seen)) return 0;
      if (seen.unknown) return unavailablePauseMs;
    } else this.firstMissedAt.delete(attempt.key);
    if (result.isReady) return fastPollMs;
    const { poll } = backend.traits;
    const wait = Math.min(poll.longestMs, (this.pollDelays.get(attempt.key) ?? poll.firstMs) * pollBackoffFactor);
    this.pollDelays.set(attempt.key, wait);
    return wait;
  }

  private watchResult(step: string, attempt: AttemptState): { isReady: boolean } {
    const stopWatching = this.ports.workspace.watchResult(step, attempt, () => {
      if (result.isReady) return;
      result.isReady = true;
      this.callbacks.resultReady(step, attempt);
      this.wake();
    });
    const result = { isReady: false, stopWatching };
    this.results.set(attempt.key, result);
    return result;
  }

  /** Stops watching an attempt that has ended. */
  forget({ key }: AttemptState): void {
    this.results.get(key)?.stopWatching();
    for (const known of [this.results, this.pollDelays, this.firstMissedAt]) known.delete(key);
    this.firstMissedAt.delete(`${key} stopping`);
  }

  /** Records that a gateway has recovered. */
  private async recordReachable(step: string, attempt: AttemptState): Promise<void> {
    if (attempt.waitingSince === undefined) return;
    const waitedMs = this.ports.now() - attempt.waitingSince;
    await this.journal.append([{ type: 'attempt-reached', step, attempt: attempt.number, waitedMs }]);
  }

  /**
   * Gives up a batch that the backend does not know, or that stays pending. Its result file decides first. After the
   * timeout of the backend the attempt is fenced off and counts as lost.
   */
  private async giveUpIfLost(step: string, attempt: AttemptState, { unknown }: Observation): Promise<boolean> {
    const { now, workspace } = this.ports;
    const backend = backendOf(this.ports, attempt);
    const { unknownMs, pendingMs } = backend.traits;
    const limitMs = unknown ? unknownMs : pendingMs;
    if (unknown && (await workspace.result(step, attempt))) {
      await this.conclude(step, attempt, { state: 'succeeded' });
      return true;
    }
    const missedAt = this.firstMissedAt.get(attempt.key) ?? now();
    this.firstMissedAt.set(attempt.key, missedAt);
    if (now() - missedAt < limitMs) return false;
    await this.assertLease();
    const isFencedOff = await workspace.revoke(step, attempt);
    await backend.cancel(attempt.submission ?? { key: attempt.key, id: '' });
    const message = `neither the gateway nor Spark knew batch ${attempt.key} for ${limitMs / 1000} s${isFencedOff ? '; it is fenced off' : ''}`;
    await this.callbacks.ended(step, attempt, { state: 'failed', failure: { kind: 'lost', message, lines: [] } });
    return true;
  }

  /** Ends the attempt of a finished batch; the result file has precedence over the state of the backend. */
  private async conclude(step: string, attempt: AttemptState, seen: Observation): Promise<void> {
    const { workspace } = this.ports;
    const backend = backendOf(this.ports, attempt);
    const result = await workspace.result(step, attempt);
    if (result?.state === 'succeeded') {
      const problems = unreconciled(result, this.state.profiles ?? {});
      if (problems.length === 0) return this.callbacks.ended(step, attempt, { state: 'succeeded', result });
      const failure: Failure = { kind: 'audit', message: problems[0] ?? '', lines: problems };
      return this.callbacks.ended(step, attempt, { state: 'failed', failure, result });
    }
    const log = attempt.submission ? await backend.logs(attempt.submission).catch(() => []) : [];
    const detail = seen.state === 'succeeded' ? 'the driver exited without a result file' : seen.detail;
    const failure = classify({ detail, runner: result?.error, log }, backend.classify?.({ detail, log }));
    await this.callbacks.ended(step, attempt, { state: 'failed', failure, result });
  }

  /** Stops a batch and fences it off. False until its end is confirmed. */
  async stop(step: string, attempt: AttemptState): Promise<boolean> {
    const { workspace, now } = this.ports;
    const backend = backendOf(this.ports, attempt);
    const isFencedOff = await workspace.revoke(step, attempt);
    await backend.cancel(attempt.submission ?? { key: attempt.key, id: '' });
    if (isFencedOff || attempt.applicationId !== undefined) return true;
    // Spark may not know a driver that has just started.
    const missedAt = this.firstMissedAt.get(`${attempt.key} stopping`) ?? now();
    this.firstMissedAt.set(`${attempt.key} stopping`, missedAt);
    return (await backend.find(attempt.key)) !== undefined || now() - missedAt > backend.traits.unknownMs / 4;
  }
}
