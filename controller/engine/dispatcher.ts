import { channelOf, type Notifier, Postponed } from '../domain/ports/notifier.ts';
import type { RunStore, Waiting } from '../domain/ports/store.ts';
import { SluiceError } from '../lib/errors.ts';

export interface Delivered {
  readonly sent: number;
  /** Why a message is still waiting. */
  readonly problem: string | undefined;
}

/** Milliseconds until try `n + 1`: 5 s, doubling to a minute; a server that is back is not kept waiting for long. */
export const nextTry = (tries: number): number => Math.min(60_000, 5000 * 2 ** tries);

/** How long the right to deliver is held without being renewed: longer than one message takes. Milliseconds. */
const roleMs = 20_000;

/**
 * Sends what is due. Channels do not wait for each other. Within one the messages go in the order in which they were put
 * in: while its server is away the oldest is tried and the others wait behind it, one that the server wants later holds up
 * its recipient alone, and one that is refused for good holds up none. None of this is an error of a run.
 */
export async function deliver(
  store: RunStore,
  notifier: Notifier,
  owner: string,
  told: (line: string) => void = () => undefined,
): Promise<Delivered> {
  const mayDeliver = (): Promise<boolean> => store.claimRole('outbox', owner, roleMs);
  if (!(await mayDeliver())) return { sent: 0, problem: 'another controller is sending' };
  const channels = new Map<string, Waiting[]>();
  for (const waiting of await store.due()) {
    const channel = channelOf(waiting.message);
    channels.set(channel, [...(channels.get(channel) ?? []), waiting]);
  }
  const settled = await Promise.allSettled(
    [...channels.values()].map((due) => deliverChannel(store, notifier, due, mayDeliver, told)),
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

async function deliverChannel(
  store: RunStore,
  notifier: Notifier,
  due: readonly Waiting[],
  mayDeliver: () => Promise<boolean>,
  told: (line: string) => void,
): Promise<Delivered> {
  let sent = 0;
  let problem: string | undefined;
  const held = new Set<string>();
  for (const [i, { message, tries }] of due.entries()) {
    if (held.has(message.to)) continue;
    if (!(await mayDeliver())) break;
    try {
      await notifier.send(message);
      await store.recordAttempt(message.id, 'sent', 0, `taken at try ${tries + 1}`);
      sent += 1;
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      const forGood = error.kind === 'rejected';
      await store.recordAttempt(message.id, forGood ? 'refused' : 'waiting', nextTry(tries), error.message);
      told(`${wordOf(channelOf(message))} to ${message.to} ${forGood ? 'was refused' : 'waits'}: ${error.message}`);
      problem = error.message;
      if (forGood) continue;
      held.add(message.to);
      const waits = due.slice(i + 1).filter((each) => !(error instanceof Postponed) || each.message.to === message.to);
      for (const behind of waits)
        await store.recordAttempt(behind.message.id, 'waiting', nextTry(tries), error.message);
      if (!(error instanceof Postponed)) break;
    }
  }
  return { sent, problem };
}

const wordOf = (channel: string): string => (channel === 'email' ? 'mail' : channel);
