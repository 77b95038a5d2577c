import { stripVTControlCharacters } from 'node:util';
import { pino } from 'pino';
import type { RunEvent } from '../../domain/events.ts';
import type { RunUpdate } from '../../engine/ports.ts';
import { type LogFields, type Logger, type LogLevel, logLevels } from '../../lib/logger.ts';
import { eventPrinter } from './events.ts';
import type { Output } from './output.ts';
import { pc } from './style.ts';

/** One JSON object a line, for log collectors: time, level, message, run, step, attempt. */
export function jsonLogger(level: LogLevel, destination: { write(line: string): void }): Logger {
  const formatters = { level: (label: string) => ({ level: label }) };
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters }, destination);
  return { log: (at, message, fields = {}) => logger[at](fields, stripVTControlCharacters(message)) };
}

/** Lines for people. */
export function prettyLogger(level: LogLevel, output: Output): Logger {
  const from = logLevels.indexOf(level);
  return {
    log(at, message, { run } = {}) {
      if (logLevels.indexOf(at) < from) return;
      output.line(run === undefined ? message : `${pc.dim(run)}  ${message}`);
    },
  };
}

/** Events that may need attention. */
const troubling: ReadonlySet<RunEvent['type']> = new Set([
  'controller-failed',
  'sources-waiting',
  'inputs-lost',
  'attempt-waiting',
  'retry-scheduled',
  'fallback-chosen',
  'report-failed',
]);

function levelOf(update: RunUpdate): LogLevel {
  if (update.kind === 'note') return 'warn';
  if (update.kind === 'progress') return 'debug';
  if (update.kind === 'measured') return 'info';
  const { event } = update.record;
  if (event.type === 'run-ended')
    return event.state === 'failed' ? 'error' : event.state === 'degraded' ? 'warn' : 'info';
  return troubling.has(event.type) ? 'warn' : 'info';
}

function fieldsOf(run: string, update: RunUpdate): LogFields {
  if (update.kind !== 'event') return { run, ...(update.kind === 'progress' ? { step: update.step } : {}) };
  const { event } = update.record;
  return {
    run,
    event: event.type,
    ...('step' in event ? { step: event.step } : {}),
    ...('attempt' in event ? { attempt: event.attempt } : {}),
  };
}

/** Logs the updates of a run, one line for each line of the terminal. */
export function logUpdates(logger: Logger, run: string): (update: RunUpdate) => void {
  let [level, fields]: [LogLevel, LogFields] = ['info', { run }];
  const line = (text = ''): void => logger.log(level, text, fields);
  const print = eventPrinter({
    json: false,
    isTerminal: false,
    live: () => undefined,
    document: () => undefined,
    line,
  });
  return (update) => {
    [level, fields] = [levelOf(update), fieldsOf(run, update)];
    print(update);
  };
}
