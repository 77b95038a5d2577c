import type { PostgresAddress } from '../config/addresses.ts';
import type { sharesOf } from './shop.ts';

/** Where the sample shop dataset goes. */
export interface DemoTargets {
  readonly postgres: PostgresAddress;
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly folder: string;
}

/** Rows of each kind. */
export type Shares = ReturnType<typeof sharesOf>;

/** Called for each kind of rows once it is complete. */
export type OnProgress = (what: string, rows: number) => void;
