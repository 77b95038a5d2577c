import { SluiceError } from '../../lib/errors.ts';

/** The notification of an event, rendered once, so that every attempt sends the same. Plain JSON. */
export interface Message {
  /** The same for every attempt. */
  readonly id: string;
  /** The notifier's kind; email, when left out. */
  readonly channel?: string;
  readonly run: string;
  readonly event: string;
  readonly to: string;
  /** Further fields of the channel. */
  readonly [field: string]: unknown;
}

export const channelOf = ({ channel = 'email' }: Message): string => channel;

/** The server defers this message; it may accept others. */
export class MessageDeferredError extends SluiceError {
  constructor(message: string, cause: unknown) {
    super(message, { kind: 'unavailable', cause });
  }
}

/**
 * Sends one message. Resolves when the server has taken responsibility for it. Throws `rejected` when the server refuses
 * it permanently, for example for an unknown recipient. Throws MessageDeferredError when the server defers it, and any
 * other SluiceError when no message can be sent.
 */
export interface Notifier {
  send(message: Message): Promise<void>;
}
