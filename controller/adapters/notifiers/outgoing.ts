import { createHash } from 'node:crypto';
import { kindOf, type Notification } from '../../domain/pipeline.ts';
import type { Message } from '../../domain/ports/notifier.ts';
import type { RunState } from '../../domain/state.ts';
import type { Notice } from '../../messages/notice.ts';
import { noticeOfRun } from '../../messages/run-notice.ts';
import type { Language } from '../../messages/words.ts';
import type { NotifierDriver } from '../drivers.ts';

/** Of conf/, for all messages. */
export interface MessageOptions {
  readonly project: string;
  /** The sender of mails. */
  readonly from: string;
  readonly language: Language;
}

/** A notice as the message to a recipient. Every call gives the same, with the same id. */
export function messageOf(driver: NotifierDriver, notice: Notice, value: unknown, { from }: MessageOptions): Message {
  const { key, run, event } = notice;
  const to = driver.describe(value);
  const isMail = driver.kind === 'email';
  const hash = createHash('sha256')
    .update(isMail ? `${key}\n${to}` : `${key}\n${driver.kind} ${to}`)
    .digest('hex')
    .slice(0, 32);
  return {
    id: isMail ? `<${hash}@sluice>` : hash,
    ...(!isMail && { channel: driver.kind }),
    ...(run !== undefined && { run }),
    ...{ event, to, ...driver.render(notice, { from }) },
  };
}

/** A message for each notification that subscribes to this end of the run. */
export function messagesOfRun(
  notifiers: readonly NotifierDriver[],
  run: string,
  state: RunState,
  options: MessageOptions,
): Message[] {
  const { pipeline, ended } = state;
  if (!pipeline || !ended) return [];
  return pipeline.notify
    .filter(({ on }) => on.includes(ended.state))
    .flatMap((entry: Notification) => {
      const driver = kindOf(notifiers, entry);
      const notice = noticeOfRun(options.project, run, state, entry.language ?? options.language);
      return notice ? messageOf(driver, notice, entry[driver.kind], options) : [];
    });
}
