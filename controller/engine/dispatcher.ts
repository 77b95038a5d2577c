import { type Notifier, Postponed } from '../domain/ports/notifier.ts';
import type { RunStore } from '../domain/ports/store.ts';
import { SluiceError } from '../lib/errors.ts';

export interface Delivered {
  readonly sent: number;
  /** Why a message is still waiting. */
  readonly problem: string | undefined;
}

/** Milliseconds until try `n + 1`: 5 s, doubling to a minute; a server that is back is not kept waiting for long. */
export const nextTry = (tries: number): number => Math.min(60_000, 5000 * 2 ** tries);

/** How long the right to deliver is held without being renewed: longer than one mail takes. */
const postmanMs = 20_000;

/**
 * Sends what is due, in the order in which it happened. While the server is away nothing overtakes: the oldest message is
 * tried, and the others wait behind it. One that the server wants later, or refuses for good, holds up no other. None of
 * this is an error of a run.
 */
export async function deliver(
  store: RunStore,
  notifier: Notifier,
  owner: string,
  told: (line: string) => void = () => undefined,
): Promise<Delivered> {
  let sent = 0;
  let problem: string | undefined;
  if (!(await store.postman(owner, postmanMs))) return { sent, problem: 'another controller is sending' };
  const due = await store.due();
  for (const [i, { message, tries }] of due.entries()) {
    if (!(await store.postman(owner, postmanMs))) break;
    try {
      await notifier.send(message);
      await store.noteDelivery(message.id, 'sent', 0, `taken at try ${tries + 1}`);
      sent += 1;
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      const forGood = error.kind === 'rejected';
      await store.noteDelivery(message.id, forGood ? 'refused' : 'waiting', nextTry(tries), error.message);
      told(`mail to ${message.to} ${forGood ? 'was refused' : 'waits'}: ${error.message}`);
      problem = error.message;
      if (forGood || error instanceof Postponed) continue;
      for (const behind of due.slice(i + 1))
        await store.noteDelivery(behind.message.id, 'waiting', nextTry(tries), error.message);
      break;
    }
  }
  return { sent, problem };
}
