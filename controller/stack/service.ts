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

/** Reports progress; `share`, from 0 to 1, when it is known. */
export type ReportProgress = (line: string, share?: number) => void;

/** One service of the local stack: how to start it and how to know that it is there. */
export interface Service {
  readonly name: ServiceName;
  /** Where a person or a client finds it. */
  readonly url: string;
  /** Set when the service is external: it is neither started nor stopped. */
  readonly external?: boolean;
  readonly ports: readonly number[];
  /** Services that must answer before this one is started. */
  readonly after?: readonly ServiceName[];
  /** Prepares what the process needs, and returns its command. `report` is called for what takes long. */
  readonly prepare: (report: ReportProgress) => Promise<Command>;
  readonly healthy: () => Promise<boolean>;
  /** What must be there once it answers, such as databases. */
  readonly finish?: () => Promise<void>;
}
