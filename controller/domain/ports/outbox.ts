import type { Message } from './notifier.ts';

/** A message waiting in the outbox. */
export interface QueuedMessage {
  readonly message: Message;
  readonly tries: number;
}

export type MessageState = 'waiting' | 'sent' | 'refused';

/** What is shown of a message. */
interface ShownMessage {
  readonly channel: string;
  readonly event: string;
  readonly to: string;
  readonly state: MessageState;
  readonly note: string | undefined;
}

/** A message in the order of the outbox. */
export interface PostedMessage extends ShownMessage {
  /** Grows from message to message. */
  readonly number: number;
  /** The run that it is about, and its pipeline; undefined for messages about alerts. */
  readonly run: string | undefined;
  readonly pipeline: string | undefined;
  readonly tries: number;
  /** When it was entered. Milliseconds since 1970, by the store. */
  readonly entered: number;
}

/** Which messages to list. What is left out does not restrict. */
export interface MessageFilter {
  /** Only those that were refused, or all that are not sent. */
  readonly only?: 'refused' | 'unsent';
  /** Names of pipelines in which `*` stands for any text; messages without a run are left out then. */
  readonly pipelines?: readonly string[];
  /** Only messages with a smaller number. */
  readonly before?: number;
  readonly limit: number;
}

/** Unsent messages of this project, in order for each recipient of a channel. */
export interface Outbox {
  /**
   * For each recipient of a channel, the due messages and all older ones, oldest first. A waiting recipient does not
   * delay the others.
   */
  due(): Promise<QueuedMessage[]>;
  /** Records the result of an attempt; a message still `waiting` is due again in `againMs`. */
  recordAttempt(messageId: string, state: MessageState, againMs: number, note: string): Promise<void>;
  messages(run: string): Promise<ShownMessage[]>;
  /** The messages of the project that meet a filter, the newest first; without those to programs that are sent. */
  posted(filter: MessageFilter): Promise<PostedMessage[]>;
}
