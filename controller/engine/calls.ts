import type { Answer } from '../domain/events.ts';
import type { Failure } from '../domain/failure.ts';
import { Busy, type Call, type Caller, Refused } from '../domain/ports/task.ts';
import { SluiceError } from '../lib/errors.ts';

type Outcome = { readonly answer: Answer } | { readonly failure: Failure };

interface Pending {
  readonly abort: AbortController;
  readonly settled: Promise<void>;
  outcome?: Outcome | { readonly broken: unknown };
}

/** The calls of a run that are under way, by the key of their attempt. They are lost with their process, and made again. */
export class Calls {
  private readonly pending = new Map<string, Pending>();
  private readonly caller: Caller;
  private readonly now: () => number;

  constructor(caller: Caller, now: () => number) {
    this.caller = caller;
    this.now = now;
  }

  /** Makes a call unless it is under way; its outcome once there is one, until `end` says that it is in the history. */
  ask(attempt: string, call: Omit<Call, 'signal'>, done: () => void): Outcome | undefined {
    const pending = this.pending.get(attempt) ?? this.begin(attempt, call, done);
    if (!pending.outcome || !('broken' in pending.outcome)) return pending.outcome;
    this.pending.delete(attempt);
    throw pending.outcome.broken;
  }

  /** Ends a call; resolves when it is over. */
  async end(attempt: string): Promise<void> {
    const pending = this.pending.get(attempt);
    pending?.abort.abort();
    await pending?.settled;
    this.pending.delete(attempt);
  }

  private begin(attempt: string, call: Omit<Call, 'signal'>, done: () => void): Pending {
    const abort = new AbortController();
    const pending: Pending = {
      abort,
      settled: this.caller.call({ ...call, signal: abort.signal }).then(
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
    const refused = error instanceof Refused ? error.as : 'service-refused';
    const wait = error instanceof Busy ? error.retryAfterMs : undefined;
    return {
      kind: error.kind === 'rejected' ? refused : 'service-unavailable',
      message: error.message,
      lines,
      ...(wait === undefined ? {} : { notBefore: this.now() + wait }),
    };
  }
}
