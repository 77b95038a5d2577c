import { SluiceError } from '../errors.ts';
import type { RunStore } from '../store/port.ts';
import type { Notifier } from './port.ts';

export interface Delivered {
  readonly sent: number;
  readonly waiting: number;
  /** Why the last one that is still waiting was not taken. */
  readonly problem: string | undefined;
}

/** Milliseconds until try `n + 1`: 5 s, doubling to a quarter of an hour. */
export const nextTry = (tries: number): number => Math.min(15 * 60_000, 5000 * 2 ** tries);

/**
 * Sends what is due, in order. A message that the server does not take now stays for later, one it refuses for good is
 * marked so; neither is an error of the run.
 */
export async function deliver(store: RunStore, notifier: Notifier, now: number): Promise<Delivered> {
  let sent = 0;
  let waiting = 0;
  let problem: string | undefined;
  for (const { message, tries } of await store.due(now)) {
    try {
      await notifier.send(message);
      await store.noteDelivery(message.id, 'sent', now, `taken at try ${tries + 1}`);
      sent += 1;
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      const forGood = error.kind === 'rejected';
      await store.noteDelivery(message.id, forGood ? 'refused' : 'waiting', now + nextTry(tries), error.message);
      problem = error.message;
      if (!forGood) waiting += 1;
    }
  }
  return { sent, waiting, problem };
}
