import { SluiceError } from '../../lib/errors.ts';

/** What somebody is told of an event, rendered when it happened, so that every try sends the same. Plain JSON. */
export interface Message {
  /** The same on every try. */
  readonly id: string;
  /** The notifier's kind; email, when left out. */
  readonly channel?: string;
  readonly run: string;
  readonly event: string;
  readonly to: string;
  /** What else the channel needs. */
  readonly [field: string]: unknown;
}

export const channelOf = ({ channel = 'email' }: Message): string => channel;

/** The server is there, and does not take this one message now; others it may take. */
export class Postponed extends SluiceError {
  constructor(message: string, cause: unknown) {
    super(message, { kind: 'unavailable', cause });
  }
}

/**
 * Sends one message. Resolves when the server has taken responsibility for it. Throws `rejected` when the server refuses
 * it for good (an unknown recipient), Postponed when it wants it later, and any other SluiceError when no message can be sent.
 */
export interface Notifier {
  send(message: Message): Promise<void>;
}
