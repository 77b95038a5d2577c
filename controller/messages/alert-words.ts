import type { AlertName, Severity } from '../domain/alerts.ts';
import { formatDuration } from '../lib/duration.ts';
import type { Language } from './words.ts';

/** The labels and facts of an alert. */
type Of = Readonly<Record<string, string | number>>;
/** A time in words. */
const lasting = ({ seconds }: Of): string => formatDuration(Number(seconds) * 1000);

/** Why a promise is broken or at risk. */
export const promised: Readonly<Record<Language, (of: Of) => string>> = {
  en(of) {
    if (of.by !== undefined)
      return of.late !== undefined
        ? `: nothing was published by ${of.by}`
        : `: a run takes ${lasting(of)}, and it is due at ${of.by}`;
    if (of.values !== undefined) return `: ${of.values}`;
    return of.limit === undefined ? '' : `: ${lasting(of)} of ${formatDuration(Number(of.limit) * 1000)}`;
  },
  ru(of) {
    if (of.by !== undefined)
      return of.late !== undefined
        ? `: к ${of.by} ничего не опубликовано`
        : `: запуск длится ${lasting(of)}, срок в ${of.by}`;
    if (of.values !== undefined) return `: ${of.values}`;
    return of.limit === undefined ? '' : `: ${lasting(of)} из ${formatDuration(Number(of.limit) * 1000)}`;
  },
};

/** All texts of alerts in one language. */
interface AlertWords {
  /** What is wrong, in a sentence. */
  readonly alerts: Readonly<Record<AlertName, (of: Of) => string>>;
  readonly alertIs: Readonly<Record<'begins' | 'lasts' | 'ends', (alert: string) => string>>;
  readonly manyAlerts: Readonly<Record<'begins' | 'lasts' | 'ends', (name: string, count: number) => string>>;
  readonly since: string;
  readonly until: string;
  readonly severity: string;
  readonly severities: Readonly<Record<Severity, string>>;
}

const en: AlertWords = {
  alerts: {
    RunFailed: (of) => `${of.pipeline}: the last run failed`,
    ScheduleLate: (of) => `${of.pipeline}: trigger ${of.trigger} has owed a run for ${lasting(of)}`,
    TriggerFailing: (of) => `${of.pipeline}: trigger ${of.trigger} cannot be looked at: ${of.reason}`,
    TriggerStopped: (of) => `${of.pipeline}: trigger ${of.trigger} has paused itself: ${of.reason}`,
    TriggerHeld: (of) => `${of.pipeline}: its triggers are held: ${of.reason}`,
    PipelineBroken: (of) => `${of.pipeline}: its file has a problem: ${of.reason}`,
    QueueStuck: (of) => `${of.pipeline}: a run has waited for ${lasting(of)}`,
    RetriesBurning: (of) => `${of.pipeline}: ${of.retries} retries within an hour`,
    QuarantineHigh: (of) => `${of.pipeline}: ${of.percent} % of the rows of ${of.source} are invalid`,
    OutboxStuck: (of) => `messages by ${of.channel} have waited for ${lasting(of)}`,
    MessagesRefused: (of) => `${of.messages} messages by ${of.channel} were refused within an hour`,
    GatewayAway: (of) => `the gateway to Spark does not answer: ${of.reason}`,
    RunUnusual: (of) => `${of.pipeline}: the last run is unlike those before it: ${of.reason}`,
    PromiseBroken: (of) => `${of.pipeline}: the promise "${of.promise}" is broken${promised.en(of)}`,
    PromiseAtRisk: (of) => `${of.pipeline}: the promise "${of.promise}" is at risk${promised.en(of)}`,
  },
  alertIs: { begins: (alert) => alert, lasts: (alert) => `Still: ${alert}`, ends: (alert) => `Resolved: ${alert}` },
  manyAlerts: {
    begins: (name, count) => `${count} alerts: ${name}`,
    lasts: (name, count) => `Still ${count} alerts: ${name}`,
    ends: (name, count) => `Resolved: ${count} alerts: ${name}`,
  },
  since: 'Since',
  until: 'Until',
  severity: 'Severity',
  severities: { critical: 'critical', error: 'error', warning: 'warning' },
};

const ru: AlertWords = {
  alerts: {
    RunFailed: (of) => `${of.pipeline}: последний запуск не удался`,
    ScheduleLate: (of) => `${of.pipeline}: триггер ${of.trigger} опаздывает с запуском на ${lasting(of)}`,
    TriggerFailing: (of) => `${of.pipeline}: триггер ${of.trigger} не удаётся опросить: ${of.reason}`,
    TriggerStopped: (of) => `${of.pipeline}: триггер ${of.trigger} остановлен после ошибок: ${of.reason}`,
    TriggerHeld: (of) => `${of.pipeline}: триггеры удерживаются: ${of.reason}`,
    PipelineBroken: (of) => `${of.pipeline}: ошибка в файле конвейера: ${of.reason}`,
    QueueStuck: (of) => `${of.pipeline}: запуск ждёт уже ${lasting(of)}`,
    RetriesBurning: (of) => `${of.pipeline}: повторов за час: ${of.retries}`,
    QuarantineHigh: (of) => `${of.pipeline}: неверных строк в ${of.source}: ${of.percent} %`,
    OutboxStuck: (of) => `сообщения по каналу ${of.channel} ждут уже ${lasting(of)}`,
    MessagesRefused: (of) => `отклонено сообщений по каналу ${of.channel} за час: ${of.messages}`,
    GatewayAway: (of) => `шлюз к Spark не отвечает: ${of.reason}`,
    RunUnusual: (of) => `${of.pipeline}: последний запуск не похож на предыдущие: ${of.reason}`,
    PromiseBroken: (of) => `${of.pipeline}: обещание «${of.promise}» нарушено${promised.ru(of)}`,
    PromiseAtRisk: (of) => `${of.pipeline}: обещание «${of.promise}» под угрозой${promised.ru(of)}`,
  },
  alertIs: {
    begins: (alert) => alert,
    lasts: (alert) => `По-прежнему: ${alert}`,
    ends: (alert) => `Устранено: ${alert}`,
  },
  manyAlerts: {
    begins: (name, count) => `Оповещений ${name}: ${count}`,
    lasts: (name, count) => `По-прежнему оповещений ${name}: ${count}`,
    ends: (name, count) => `Устранено оповещений ${name}: ${count}`,
  },
  since: 'С',
  until: 'До',
  severity: 'Важность',
  severities: { critical: 'критично', error: 'ошибка', warning: 'предупреждение' },
};

export const alertWords: Readonly<Record<Language, AlertWords>> = { en, ru };
