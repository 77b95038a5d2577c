import type { NotifierDriver } from '../../adapters/drivers.ts';
import { type MessageOptions, messageOf } from '../../adapters/notifiers/outgoing.ts';
import type { AlertSettings } from '../../config/alerts.ts';
import type { Project } from '../../config/project.ts';
import type { Recipient, Telling } from '../../domain/alerts.ts';
import { severities } from '../../domain/alerts.ts';
import { kindOf } from '../../domain/pipeline.ts';
import type { Message } from '../../domain/ports/notifier.ts';
import { milliseconds } from '../../lib/duration.ts';
import { matchesGlob } from '../../lib/glob.ts';
import { noticeOfAlert, noticeOfAlerts } from '../../messages/alert-notice.ts';
import type { Language } from '../../messages/words.ts';
import type { LoadedPipeline } from '../../pipeline/loader.ts';

/** More alerts of a kind than these are told to people in one message. */
const mostApart = 5;

/** A recipient with its driver. */
export interface Addressed extends Recipient {
  readonly driver: NotifierDriver;
  readonly value: unknown;
  readonly language: Language;
}

/** Who is told of alerts: those of conf/, and those whom pipelines name for their own. */
export function recipientsOf(
  { connections: { alerts, mail } }: Pick<Project, 'connections'>,
  pipelines: readonly LoadedPipeline[],
  notifiers: readonly NotifierDriver[],
): Addressed[] {
  const all = new Map<string, Addressed>();
  const add = (entry: object & { readonly language?: Language | undefined }, accepts: Recipient['accepts']): void => {
    const driver = kindOf(notifiers, entry);
    const value = (entry as Readonly<Record<string, unknown>>)[driver.kind];
    const id = `${driver.kind} ${driver.describe(value)}`;
    const before = all.get(id);
    all.set(id, {
      ...{ id, driver, value, language: before?.language ?? entry.language ?? mail.language },
      accepts: (alert) => !isOwnRefusal(alert, driver.kind) && (before?.accepts(alert) === true || accepts(alert)),
      repeatMs: driver.repeatMs ?? milliseconds(alerts.repeat),
      isProgram: driver.repeatMs !== undefined,
    });
  };
  for (const entry of alerts.notify) add(entry, accepted(entry));
  for (const { pipeline } of pipelines)
    for (const entry of pipeline.notify)
      if (entry.on.includes('alert')) add(entry, ({ labels }) => labels.pipeline === pipeline.name);
  return [...all.values()];
}

/** A channel is not told that it refuses: that would be refused, too, and the alert would never end. */
const isOwnRefusal = ({ name, labels }: Parameters<Recipient['accepts']>[0], channel: string): boolean =>
  name === 'MessagesRefused' && labels.channel === channel;

const accepted =
  ({ severity, pipelines }: AlertSettings['notify'][number]): Recipient['accepts'] =>
  (alert) =>
    severities.indexOf(alert.severity) <= severities.indexOf(severity) &&
    (pipelines === undefined || pipelines.some((glob) => matchesGlob(glob, alert.labels.pipeline ?? '')));

/** The messages of what recipients are told at a time. Many alerts of a kind become one message for people. */
export function messagesOf(
  tellings: readonly Telling[],
  recipients: readonly Addressed[],
  at: number,
  options: MessageOptions,
): Message[] {
  return recipients.flatMap(({ id, driver, value, language, isProgram }) => {
    const groups = new Map<string, [Telling, ...Telling[]]>();
    for (const telling of tellings) {
      if (telling.recipient !== id) continue;
      const key = `${telling.alert.name} ${telling.is}`;
      const group = groups.get(key);
      if (group) group.push(telling);
      else groups.set(key, [telling]);
    }
    return [...groups.values()]
      .flatMap((group) =>
        isProgram || driver.isIncident || group.length <= mostApart
          ? group.map((each) => noticeOfAlert(options.project, each, at, language))
          : noticeOfAlerts(options.project, group, at, language),
      )
      .map((notice) => messageOf(driver, notice, value, options));
  });
}
