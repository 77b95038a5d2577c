import { classify, type Failure } from '../domain/failure.ts';
import { type Ended, refusal } from '../domain/outcome.ts';
import { type BatchJob, ended, type Observation } from '../domain/ports/backend.ts';
import type { AttemptState, RunState } from '../domain/state.ts';
import { SluiceError } from '../lib/errors.ts';
import { unreconciled } from '../machine/audit.ts';
import type { Journal } from './journal.ts';
import type { Ports } from './ports.ts';

/** By how much the pause grows from one look at a batch to the next. */
const lookFactor = 1.3;
/** The pause before the next look at a batch that is as good as over: its result is there. */
const closeLook = 10;
/** How long something that did not answer is left alone. Milliseconds. */
export const afterTrouble = 1000;

/** Who is told of what becomes of a batch. */
interface Told {
  /** The runner has left its result; the driver may still be there. */
  readonly left: (step: string, attempt: AttemptState) => void;
  readonly end: (step: string, attempt: AttemptState, how: Ended) => Promise<void>;
}

/** The life of a Spark batch: prepared, submitted once, followed to its end, and that end understood. */
export class Batches {
  /** Keys whose intent this very process has noted a moment ago, and which nobody can have submitted yet. */
  readonly fresh = new Set<string>();
  private readonly looks = new Map<string, number>();
  private readonly since = new Map<string, number>();
  /** Of the batches that are followed: whether the result is there, and how to stop listening for it. */
  private readonly results = new Map<string, { there: boolean; readonly deaf: () => void }>();
  private readonly journal: Journal;
  private readonly ports: Ports;
  private readonly hold: () => Promise<void>;
  private readonly wake: () => void;
  private readonly tell: Told;

  constructor(journal: Journal, ports: Ports, hold: () => Promise<void>, wake: () => void, tell: Told) {
    this.wake = wake;
    this.journal = journal;
    this.ports = ports;
    this.hold = hold;
    this.tell = tell;
  }

  private get state(): RunState {
    return this.journal.state;
  }

  /** After a crash or an unknown outcome the backend is asked before it is told. */
  async submit(step: string, attempt: AttemptState): Promise<void> {
    const { backend } = this.ports;
    let job: BatchJob;
    try {
      job = await this.prepare(step, attempt);
    } catch (error) {
      if (!(error instanceof SluiceError) || error.kind !== 'rejected') throw error;
      return this.tell.end(step, attempt, refusal('not-prepared', error));
    }
    const found = this.fresh.delete(attempt.key) ? undefined : await backend.find(attempt.key);
    if (!found && !(await this.pinsHold(step))) {
      const message = 'a PostgreSQL snapshot was lost with the controller that exported it';
      return this.tell.end(step, attempt, { state: 'failed', failure: { kind: 'inputs-lost', message, lines: [] } });
    }
    if (!found) await this.hold();
    const submission = found ?? (await backend.submit(job, attempt.key));
    await this.reached(step, attempt);
    await this.journal.note([{ type: 'attempt-submitted', step, attempt: attempt.number, submission }]);
  }

  private async prepare(step: string, attempt: AttemptState): Promise<BatchJob> {
    const { publisher, workspace } = this.ports;
    const { pipeline, profiles } = this.state;
    if (!pipeline || !profiles) throw new TypeError(`step ${step} is submitted before its sources are measured`);
    await this.hold();
    for (const staged of workspace.staged(pipeline, step, attempt)) await publisher.prepare(staged);
    const pins = Object.fromEntries(Object.entries(profiles).map(([name, profile]) => [name, profile.pin]));
    return workspace.prepare(pipeline, step, attempt, pins);
  }

  /** Whether what the step reads can still be read as it was measured. */
  private async pinsHold(step: string): Promise<boolean> {
    const { pipeline, profiles } = this.state;
    const inputs = pipeline?.steps[step]?.spark?.inputs ?? Object.keys(pipeline?.sources ?? {});
    for (const name of inputs) {
      const [source, profile] = [pipeline?.sources[name], profiles?.[name]];
      if (source && profile && !(await this.ports.probe.holds(source, profile.pin))) return false;
    }
    return true;
  }

  /** Returns the milliseconds after which to look again. */
  async follow(step: string, attempt: AttemptState): Promise<number> {
    const { backend, told } = this.ports;
    if (!attempt.submission) return 0;
    const result = this.results.get(attempt.key) ?? this.listen(step, attempt);
    const seen = await backend.observe(attempt.submission);
    await this.reached(step, attempt);
    if (seen.progress) told({ kind: 'progress', step, progress: seen.progress });
    if (seen.applicationId !== undefined && attempt.applicationId === undefined) {
      const ui = seen.ui === undefined ? {} : { ui: seen.ui };
      await this.journal.note([
        { type: 'application-found', step, attempt: attempt.number, applicationId: seen.applicationId, ...ui },
      ]);
    }
    if (ended(seen.state)) {
      await this.settle(step, attempt, seen);
      return 0;
    }
    if (seen.unknown || seen.state === 'pending') {
      if (await this.gone(step, attempt, seen)) return 0;
      if (seen.unknown) return afterTrouble;
    } else this.since.delete(attempt.key);
    if (result.there) return closeLook;
    const { poll } = backend.traits;
    const wait = Math.min(poll.longestMs, (this.looks.get(attempt.key) ?? poll.firstMs) * lookFactor);
    this.looks.set(attempt.key, wait);
    return wait;
  }

  private listen(step: string, attempt: AttemptState): { there: boolean } {
    const deaf = this.ports.workspace.listen(step, attempt, () => {
      if (result.there) return;
      result.there = true;
      this.tell.left(step, attempt);
      this.wake();
    });
    const result = { there: false, deaf };
    this.results.set(attempt.key, result);
    return result;
  }

  /** An attempt that has ended, however it did, is followed no more. */
  forget({ key }: AttemptState): void {
    this.results.get(key)?.deaf();
    for (const known of [this.results, this.looks, this.since]) known.delete(key);
    this.since.delete(`${key} stopping`);
  }

  /** Notes that a gateway which was away has answered again. */
  private async reached(step: string, attempt: AttemptState): Promise<void> {
    if (attempt.waitingSince === undefined) return;
    const waitedMs = this.ports.now() - attempt.waitingSince;
    await this.journal.note([{ type: 'attempt-reached', step, attempt: attempt.number, waitedMs }]);
  }

  /**
   * Of a batch that nobody knows, or that does not get going: its result file may tell. Otherwise it is given time, and is
   * then barred from ever starting; only when that cannot be done any more it counts as lost after a while.
   */
  private async gone(step: string, attempt: AttemptState, { unknown }: Observation): Promise<boolean> {
    const { now, workspace, backend } = this.ports;
    const { unknownMs, pendingMs } = backend.traits;
    const patience = unknown ? unknownMs : pendingMs;
    if (unknown && (await workspace.result(step, attempt))) {
      await this.settle(step, attempt, { state: 'succeeded' });
      return true;
    }
    const since = this.since.get(attempt.key) ?? now();
    this.since.set(attempt.key, since);
    if (now() - since < patience) return false;
    await this.hold();
    const never = await workspace.revoke(step, attempt);
    await backend.cancel(attempt.submission ?? { key: attempt.key, id: '' });
    const message = `neither the gateway nor Spark knew batch ${attempt.key} for ${patience / 1000} s${never ? '; it is fenced off' : ''}`;
    await this.tell.end(step, attempt, { state: 'failed', failure: { kind: 'lost', message, lines: [] } });
    return true;
  }

  /** The batch is over; its result file says more than the backend does. */
  private async settle(step: string, attempt: AttemptState, seen: Observation): Promise<void> {
    const { backend, workspace } = this.ports;
    const result = await workspace.result(step, attempt);
    if (result?.state === 'succeeded') {
      const problems = unreconciled(result, this.state.profiles ?? {});
      if (problems.length === 0) return this.tell.end(step, attempt, { state: 'succeeded', result });
      const failure: Failure = { kind: 'audit', message: problems[0] ?? '', lines: problems };
      return this.tell.end(step, attempt, { state: 'failed', failure, result });
    }
    const log = attempt.submission ? await backend.logs(attempt.submission).catch(() => []) : [];
    const detail = seen.state === 'succeeded' ? 'the driver exited without a result file' : seen.detail;
    const failure = classify({ detail, runner: result?.error, log }, backend.classify?.({ detail, log }));
    await this.tell.end(step, attempt, { state: 'failed', failure, result });
  }

  /** Ends a batch, and sees to it that it can never start. False while nobody can say that it has ended. */
  async stop(step: string, attempt: AttemptState): Promise<boolean> {
    const { workspace, backend, now } = this.ports;
    const never = await workspace.revoke(step, attempt);
    await backend.cancel(attempt.submission ?? { key: attempt.key, id: '' });
    if (never || attempt.applicationId !== undefined) return true;
    // A driver that has just begun is not known to Spark yet.
    const since = this.since.get(`${attempt.key} stopping`) ?? now();
    this.since.set(`${attempt.key} stopping`, since);
    return (await backend.find(attempt.key)) !== undefined || now() - since > backend.traits.unknownMs / 4;
  }
}
