import { stripVTControlCharacters } from 'node:util';
import { pino } from 'pino';
import type { RunEvent } from '../../domain/events.ts';
import type { News } from '../../engine/ports.ts';
import { type LogFields, type Logger, type LogLevel, logLevels } from '../../lib/logger.ts';
import { narrator } from './narrate.ts';
import type { Output } from './output.ts';
import { pc } from './style.ts';

/** A line of JSON each, for programs that collect logs: time, level, message, run, step, attempt. */
export function jsonLogger(level: LogLevel, destination: { write(line: string): void }): Logger {
  const formatters = { level: (label: string) => ({ level: label }) };
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters }, destination);
  return { log: (at, message, fields = {}) => logger[at](fields, stripVTControlCharacters(message)) };
}

/** Lines as people read them. */
export function prettyLogger(level: LogLevel, output: Output): Logger {
  const from = logLevels.indexOf(level);
  return {
    log(at, message, { run } = {}) {
      if (logLevels.indexOf(at) < from) return;
      output.line(run === undefined ? message : `${pc.dim(run)}  ${message}`);
    },
  };
}

/** Events after which somebody may have to do something. */
const troubling: ReadonlySet<RunEvent['type']> = new Set([
  'controller-failed',
  'sources-waiting',
  'inputs-lost',
  'attempt-waiting',
  'retry-scheduled',
  'fallback-chosen',
  'report-failed',
]);

function levelOf(news: News): LogLevel {
  if (news.kind === 'note') return 'warn';
  if (news.kind === 'progress') return 'debug';
  if (news.kind === 'measured') return 'info';
  const { event } = news.record;
  if (event.type === 'run-ended')
    return event.state === 'failed' ? 'error' : event.state === 'degraded' ? 'warn' : 'info';
  return troubling.has(event.type) ? 'warn' : 'info';
}

function fieldsOf(run: string, news: News): LogFields {
  if (news.kind !== 'event') return { run, ...(news.kind === 'progress' ? { step: news.step } : {}) };
  const { event } = news.record;
  return {
    run,
    event: event.type,
    ...('step' in event ? { step: event.step } : {}),
    ...('attempt' in event ? { attempt: event.attempt } : {}),
  };
}

/** Logs what happens in a run, a line for each line that a person would be told. */
export function logNews(logger: Logger, run: string): (news: News) => void {
  let [level, fields]: [LogLevel, LogFields] = ['info', { run }];
  const line = (text = ''): void => logger.log(level, text, fields);
  const tell = narrator({ json: false, isTerminal: false, live: () => undefined, document: () => undefined, line });
  return (news) => {
    [level, fields] = [levelOf(news), fieldsOf(run, news)];
    tell(news);
  };
}
