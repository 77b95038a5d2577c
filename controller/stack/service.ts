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

/** Hears what is being done; `share`, from 0 to 1, when it is known how much of it is done. */
export type Tell = (line: string, share?: number) => void;

/** One service of the local stack: how to start it and how to know that it is there. */
export interface Service {
  readonly name: ServiceName;
  /** Where a person or a client finds it. */
  readonly url: string;
  /** Set when somebody else runs it: it is neither started nor ended. */
  readonly elsewhere?: boolean;
  readonly ports: readonly number[];
  /** Services that must answer before this one is started. */
  readonly after?: readonly ServiceName[];
  /** Makes ready what the process needs, and says how to start it. `told` hears of what takes long. */
  readonly prepare: (told: Tell) => Promise<Command>;
  readonly healthy: () => Promise<boolean>;
  /** What must be there once it answers, such as databases. */
  readonly finish?: () => Promise<void>;
}
