import type { Answer } from '../domain/events.ts';
import type { Failure } from '../domain/failure.ts';
import { RetryAfterError, TaskRejectedError, type TaskRequest, type TaskRunner } from '../domain/ports/task.ts';
import { SluiceError } from '../lib/errors.ts';

type Outcome = { readonly answer: Answer } | { readonly failure: Failure };

interface RunningTask {
  readonly abort: AbortController;
  readonly settled: Promise<void>;
  outcome?: Outcome | { readonly broken: unknown };
}

/** The running tasks of a run, by attempt key. They end with their process; the next process starts them again. */
export class RunningTasks {
  private readonly pending = new Map<string, RunningTask>();
  private readonly runner: TaskRunner;
  private readonly now: () => number;

  constructor(runner: TaskRunner, now: () => number) {
    this.runner = runner;
    this.now = now;
  }

  /** Starts a task unless it is running. Returns its outcome once there is one, until `abort` drops it. */
  poll(attempt: string, request: Omit<TaskRequest, 'signal'>, done: () => void): Outcome | undefined {
    const pending = this.pending.get(attempt) ?? this.start(attempt, request, done);
    if (!pending.outcome || !('broken' in pending.outcome)) return pending.outcome;
    this.pending.delete(attempt);
    throw pending.outcome.broken;
  }

  /** Aborts a task; resolves when it has ended. */
  async abort(attempt: string): Promise<void> {
    const pending = this.pending.get(attempt);
    pending?.abort.abort();
    await pending?.settled;
    this.pending.delete(attempt);
  }

  private start(attempt: string, request: Omit<TaskRequest, 'signal'>, done: () => void): RunningTask {
    const abort = new AbortController();
    const pending: RunningTask = {
      abort,
      settled: this.runner.run({ ...request, signal: abort.signal }).then(
        (answer) => {
          pending.outcome = { answer };
          done();
        },
        (error: unknown) => {
          pending.outcome = error instanceof SluiceError ? { failure: this.failureOf(error) } : { broken: error };
          done();
        },
      ),
    };
    this.pending.set(attempt, pending);
    return pending;
  }

  private failureOf(error: SluiceError): Failure {
    const lines = error.hint === undefined ? [] : [error.hint];
    const refused = error instanceof TaskRejectedError ? error.failureKind : 'service-refused';
    const wait = error instanceof RetryAfterError ? error.retryAfterMs : undefined;
    return {
      kind: error.kind === 'rejected' ? refused : 'service-unavailable',
      message: error.message,
      lines,
      ...(wait === undefined ? {} : { notBefore: this.now() + wait }),
    };
  }
}
