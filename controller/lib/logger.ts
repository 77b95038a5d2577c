/** How much a log line matters, the least first. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

/** What a log line is about. */
export interface LogFields {
  readonly run?: string;
  readonly step?: string;
  readonly attempt?: number;
  /** The type of the event it tells. */
  readonly event?: string;
}

/** Tells what a process does, for people who operate it. What happened to a run is its history's, not the log's. */
export interface Logger {
  log(level: LogLevel, message: string, fields?: LogFields): void;
}
