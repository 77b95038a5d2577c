import { SluiceError } from '../../lib/errors.ts';

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
