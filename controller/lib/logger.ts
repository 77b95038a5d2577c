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
  /** The method and pattern of a request's route, without values, the status of its answer, and its time. */
  readonly route?: string;
  readonly status?: number;
  readonly ms?: number;
  /** Identifies a request, as in its answer. */
  readonly request?: string;
  /** The id of the token that sent it. */
  readonly token?: string;
  /** Where the server listens. */
  readonly url?: string;
}

/** Logs the work of a process for operators. The events of a run belong to its history, not to the log. */
export interface Logger {
  log(level: LogLevel, message: string, fields?: LogFields): void;
}
