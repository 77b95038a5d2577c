import type { Command } from './process.ts';

export const serviceNames = [
  'spark-master',
  'spark-worker',
  'history-server',
  'livy',
  'kafka',
  'postgres',
  'mailbox',
] as const;
export type ServiceName = (typeof serviceNames)[number];

/** Receives progress; `share`, from 0 to 1, when it is known. */
export type ReportProgress = (line: string, share?: number) => void;

/** A service of the local stack: how to start it and how to check its health. */
export interface Service {
  readonly name: ServiceName;
  /** Its address for people and clients. */
  readonly url: string;
  /** Set when the service is external: it is neither started nor stopped. */
  readonly external?: boolean;
  readonly ports: readonly number[];
  /** Services that must be healthy before this one starts. */
  readonly after?: readonly ServiceName[];
  /** Prepares the service and returns its command. `report` receives the progress of slow work. */
  readonly prepare: (report: ReportProgress) => Promise<Command>;
  readonly healthy: () => Promise<boolean>;
  /** Creates what must exist once the service is healthy, such as databases. */
  readonly finish?: () => Promise<void>;
}
