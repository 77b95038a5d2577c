/** A mail, rendered when its event happened, so that every try sends the same. */
export interface Message {
  /** The Message-ID header, the same on every try. */
  readonly id: string;
  readonly run: string;
  readonly event: string;
  readonly to: string;
  readonly from: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/**
 * Sends one message. Resolves when the server has taken responsibility for it. Throws `rejected` when the server refuses
 * it for good (an unknown recipient), `unavailable` or `unknown-outcome` when it is worth another try.
 */
export interface Notifier {
  send(message: Message): Promise<void>;
}
