import type { Alert, AlertChange } from '../alerts.ts';
import type { Message } from './notifier.ts';

export interface AlertFilter {
  /** Only those that have not ended, or only those that have. */
  readonly isOpen?: boolean;
  /** Only those with a smaller id. */
  readonly before?: number;
  readonly limit: number;
}

/** The alerts of a project. */
export interface AlertStore {
  /** The newest first. */
  alerts(filter: AlertFilter): Promise<Alert[]>;
  /**
   * Stores changes at a time with the messages that they cause, all or none. False when another server was faster: an
   * alert has been changed, or one with the same name and labels has begun.
   */
  changeAlerts(at: number, changes: readonly AlertChange[], messages: readonly Message[]): Promise<boolean>;
  /** False when the alert is unknown, has ended or is acknowledged. */
  acknowledgeAlert(id: number, by: string, at: number): Promise<boolean>;
  /** Removes alerts that ended before a time, with their messages. */
  removeAlerts(before: number, limit: number): Promise<void>;
}
