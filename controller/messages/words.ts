import type { RunEnd } from '../domain/events.ts';
import type { FailureKind } from '../domain/failure-kinds.ts';

export type Language = 'en' | 'ru';

/** All texts of mail and report in one language. */
export interface Words {
  readonly subject: Readonly<Record<RunEnd, (pipeline: string) => string>>;
  readonly lead: Readonly<Record<RunEnd, string>>;
  readonly figures: string;
  readonly report: string;
  readonly reportProblem: string;
  readonly run: string;
  readonly branch: string;
  readonly reason: string;
  readonly took: string;
  readonly quality: string;
  readonly sources: string;
  readonly source: string;
  readonly read: string;
  readonly valid: string;
  readonly quarantined: string;
  readonly why: string;
  readonly checks: string;
  readonly verdict: Readonly<Record<'fail' | 'quarantine' | 'warn', string>>;
  readonly joins: string;
  readonly outputs: string;
  readonly rows: string;
  readonly step: string;
  readonly failure: string;
  readonly kinds: Readonly<Record<FailureKind, string>>;
  readonly tries: string;
  readonly log: string;
  readonly further: string;
  readonly untouched: string;
  readonly made: string;
  readonly score: string;
  readonly bytes: string;
  readonly duplicates: string;
  readonly examples: string;
  readonly where: string;
  readonly row: string;
  readonly noFigures: string;
  readonly spreadsheets: string;
  readonly others: string;
}

const en: Words = {
  subject: {
    succeeded: (p) => `${p}: the report is ready`,
    degraded: (p) => `${p}: the report is ready, with reservations`,
    failed: (p) => `${p}: the run failed`,
    skipped: (p) => `${p}: nothing to do`,
    cancelled: (p) => `${p}: the run was cancelled`,
  },
  lead: {
    succeeded: 'The run succeeded and its results are published.',
    degraded: 'The run completed with a fallback: a step failed, and its fallback ran instead.',
    failed: 'The run failed.',
    skipped: 'There was nothing to do; nothing was submitted to Spark.',
    cancelled: 'The run was cancelled.',
  },
  figures: 'Headline figures',
  report: 'Open the report',
  reportProblem: 'The results are published, but the report could not be generated',
  run: 'Run',
  branch: 'Branch',
  reason: 'Reason',
  took: 'Duration',
  quality: 'Data quality',
  sources: 'Sources',
  source: 'Source',
  read: 'Read',
  valid: 'Valid',
  quarantined: 'Quarantined',
  why: 'Why',
  checks: 'Failed checks',
  verdict: { fail: 'stops the run', quarantine: 'rows quarantined', warn: 'warning' },
  joins: 'Joins that multiplied rows',
  outputs: 'Published',
  rows: 'rows',
  step: 'Step',
  failure: 'Failure',
  kinds: {
    'out-of-memory': 'out of memory',
    'lost-executor': 'an executor was lost',
    killed: 'the application was killed',
    'bad-sql': 'the SQL is wrong',
    'bad-input': 'the input data is wrong or has changed',
    'inputs-lost': 'the profiled rows can no longer be read',
    'service-unavailable': 'an external service did not answer',
    'service-refused': 'an external service refused the request',
    'missing-dependency': 'a class or driver is missing',
    audit: 'the rows do not add up',
    'gateway-unavailable': 'the gateway to Spark was away too long',
    'gateway-rejected': 'the gateway to Spark refused the job',
    'not-prepared': 'the job could not be prepared',
    'timed-out': 'timed out',
    lost: 'the job was lost',
    cancelled: 'cancelled',
    unknown: 'unknown',
  },
  tries: 'Attempts',
  log: 'From the driver’s log',
  further: 'Next steps',
  untouched: 'What was published before is unchanged.',
  made: 'Generated',
  score: 'Score',
  bytes: 'MB',
  duplicates: 'Duplicates',
  examples: 'Sample of quarantined rows',
  where: 'Where',
  row: 'Row',
  noFigures: 'This run published none of the tables that the figures need.',
  spreadsheets: 'As spreadsheets',
  others: 'others',
};

const ru: Words = {
  subject: {
    succeeded: (p) => `${p}: отчёт готов`,
    degraded: (p) => `${p}: отчёт готов, с оговорками`,
    failed: (p) => `${p}: запуск не удался`,
    skipped: (p) => `${p}: обрабатывать нечего`,
    cancelled: (p) => `${p}: запуск отменён`,
  },
  lead: {
    succeeded: 'Запуск завершён успешно, результаты опубликованы.',
    degraded: 'Запуск завершён через запасной путь: часть шагов не удалась, вместо них выполнена замена.',
    failed: 'Запуск не удался.',
    skipped: 'Обрабатывать нечего; в Spark ничего не отправлено.',
    cancelled: 'Запуск отменён.',
  },
  figures: 'Главные показатели',
  report: 'Открыть отчёт',
  reportProblem: 'Результаты опубликованы, но отчёт построить не удалось',
  run: 'Запуск',
  branch: 'Ветвь',
  reason: 'Причина',
  took: 'Длительность',
  quality: 'Качество данных',
  sources: 'Источники',
  source: 'Источник',
  read: 'Прочитано',
  valid: 'Верных',
  quarantined: 'В карантине',
  why: 'Почему',
  checks: 'Невыполненные проверки',
  verdict: { fail: 'запуск остановлен', quarantine: 'строки в карантине', warn: 'предупреждение' },
  joins: 'Соединения, размножившие строки',
  outputs: 'Опубликовано',
  rows: 'строк',
  step: 'Шаг',
  failure: 'Ошибка',
  kinds: {
    'out-of-memory': 'не хватило памяти',
    'lost-executor': 'потерян исполнитель',
    killed: 'приложение остановлено извне',
    'bad-sql': 'ошибка в SQL',
    'bad-input': 'входные данные неверны или изменились',
    'inputs-lost': 'измеренные строки больше нельзя прочитать',
    'service-unavailable': 'внешняя служба не ответила',
    'service-refused': 'внешняя служба отклонила запрос',
    'missing-dependency': 'не найден класс или драйвер',
    audit: 'число строк не сходится',
    'gateway-unavailable': 'шлюз к Spark слишком долго недоступен',
    'gateway-rejected': 'шлюз к Spark отклонил задание',
    'not-prepared': 'задание не удалось подготовить',
    'timed-out': 'превышено время',
    lost: 'задание потеряно',
    cancelled: 'отменено',
    unknown: 'неизвестно',
  },
  tries: 'Попытки',
  log: 'Из журнала драйвера',
  further: 'Подробнее',
  untouched: 'Опубликованное ранее не изменилось.',
  made: 'Составлен',
  score: 'Оценка',
  bytes: 'МБ',
  duplicates: 'Повторы',
  examples: 'Примеры строк в карантине',
  where: 'Где',
  row: 'Строка',
  noFigures: 'Этот запуск не опубликовал таблиц, из которых строятся показатели отчёта.',
  spreadsheets: 'В виде таблиц',
  others: 'остальные',
};

export const words: Readonly<Record<Language, Words>> = { en, ru };
