import { SluiceError } from '../../lib/errors.ts';

/** The notification of an event, rendered once, so that every attempt sends the same. Plain JSON. */
export interface Message {
  /** The same for every attempt. */
  readonly id: string;
  /** The notifier's kind; email, when left out. */
  readonly channel?: string;
  /** The run that it is about, if there is one. */
  readonly run?: string;
  readonly event: string;
  readonly to: string;
  /** Further fields of the channel. */
  readonly [field: string]: unknown;
}

export const channelOf = ({ channel = 'email' }: Message): string => channel;

/** What a line about a message calls its channel. */
export const channelLabel = (channel: string): string => (channel === 'email' ? 'mail' : channel);

/** Whether people need to see a message that was sent: lineage and traces are for programs. */
export const isForPeople = ({ event }: Pick<Message, 'event'>): boolean => event !== 'lineage' && event !== 'trace';

/**
 * Messages of one line are sent one after the other, and wait for each other while its server is unavailable: all mails,
 * and those to one recipient of any other channel.
 */
export const lineOf = (message: Message): string =>
  channelOf(message) === 'email' ? 'email' : `${channelOf(message)} ${message.to}`;

/** The server defers this message, perhaps for a time in milliseconds; it may accept others. */
export class MessageDeferredError extends SluiceError {
  readonly forMs: number | undefined;

  constructor(message: string, { cause, forMs }: { readonly cause?: unknown; readonly forMs?: number | undefined }) {
    super(message, { kind: 'unavailable', cause });
    this.forMs = forMs;
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
