import { emailNotifications } from '../controller/adapters/notifiers/email/driver.ts';
import { type MessageOptions, messagesOfRun } from '../controller/adapters/notifiers/outgoing.ts';
import type { RunState } from '../controller/domain/state.ts';
import type { Mail } from '../controller/messages/mail.ts';

/** The mails of the end of a run. */
export const mailsOf = (run: string, state: RunState, options: Partial<MessageOptions> = {}): Mail[] =>
  messagesOfRun([emailNotifications], run, state, {
    ...{ project: 'project', from: 'sluice@example.org', language: 'en', ...options },
  }) as Mail[];
