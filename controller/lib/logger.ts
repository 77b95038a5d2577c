/** Severities of log lines, lowest first. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

/** The subject of a log line. */
export interface LogFields {
  readonly run?: string;
  readonly step?: string;
  readonly attempt?: number;
  /** The type of the event that it reports. */
  readonly event?: string;
}

/** Logs the work of a process for operators. The events of a run belong to its history, not to the log. */
export interface Logger {
  log(level: LogLevel, message: string, fields?: LogFields): void;
}
