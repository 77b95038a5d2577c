import { channelLabel, channelOf, lineOf, MessageDeferredError, type Notifier } from '../domain/ports/notifier.ts';
import type { QueuedMessage } from '../domain/ports/outbox.ts';
import type { RunStore } from '../domain/ports/store.ts';
import { SluiceError } from '../lib/errors.ts';

export interface DispatchResult {
  readonly sent: number;
  /** Why a message is still waiting. */
  readonly problem: string | undefined;
}

/** Delay before attempt `n + 1`: 5 s, doubling up to one minute. Milliseconds. */
export const retryDelayMs = (tries: number): number => Math.min(60_000, 5000 * 2 ** tries);

/** Duration of the dispatcher role without renewal: longer than sending one message takes. Milliseconds. */
const roleMs = 20_000;

/**
 * Sends due messages. Lines are independent. Within a line, messages are sent in the order of their entry:
 * - while the server is unavailable, the oldest is retried and the others wait;
 * - a deferred message delays only its recipient;
 * - a permanently refused one delays none.
 * None of this fails a run. Lines in `underWay`, which an earlier call still sends, are left to it.
 */
export async function dispatchOutbox(
  store: RunStore,
  notifier: Notifier,
  owner: string,
  log: (line: string) => void = () => undefined,
  underWay: Map<string, Promise<DispatchResult>> = new Map(),
): Promise<DispatchResult> {
  const holdsRole = (): Promise<boolean> => store.claimRole('outbox', owner, roleMs);
  if (!(await holdsRole())) return { sent: 0, problem: 'another controller is sending' };
  const lines = new Map<string, QueuedMessage[]>();
  const left = new Set(underWay.keys());
  for (const waiting of await store.due()) {
    const line = lineOf(waiting.message);
    if (!left.has(line)) lines.set(line, [...(lines.get(line) ?? []), waiting]);
  }
  const settled = await Promise.allSettled(
    [...lines].map(([line, due]) => {
      const dispatched = dispatchLine(store, notifier, due, holdsRole, log).finally(() => underWay.delete(line));
      underWay.set(line, dispatched);
      return dispatched;
    }),
  );
  const all = settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
  return {
    sent: all.reduce((sum, each) => sum + each.sent, 0),
    problem: all.find((each) => each.problem !== undefined)?.problem,
  };
}

async function dispatchLine(
  store: RunStore,
  notifier: Notifier,
  due: readonly QueuedMessage[],
  holdsRole: () => Promise<boolean>,
  log: (line: string) => void,
): Promise<DispatchResult> {
  let sent = 0;
  let problem: string | undefined;
  const blockedRecipients = new Set<string>();
  for (const [i, { message, tries }] of due.entries()) {
    if (blockedRecipients.has(message.to)) continue;
    if (!(await holdsRole())) break;
    try {
      await notifier.send(message);
      await store.recordAttempt(message.id, 'sent', 0, `taken at try ${tries + 1}`);
      sent += 1;
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      const forGood = error.kind === 'rejected';
      const againMs = Math.max(retryDelayMs(tries), (error instanceof MessageDeferredError && error.forMs) || 0);
      await store.recordAttempt(message.id, forGood ? 'refused' : 'waiting', againMs, error.message);
      log(
        `${channelLabel(channelOf(message))} to ${message.to} ${forGood ? 'was refused' : 'waits'}: ${error.message}`,
      );
      problem = error.message;
      if (forGood) continue;
      blockedRecipients.add(message.to);
      const waits = due
        .slice(i + 1)
        .filter((each) => !(error instanceof MessageDeferredError) || each.message.to === message.to);
      for (const behind of waits) await store.recordAttempt(behind.message.id, 'waiting', againMs, error.message);
      if (!(error instanceof MessageDeferredError)) break;
    }
  }
  return { sent, problem };
}
