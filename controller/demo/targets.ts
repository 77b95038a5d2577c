import type { PostgresAddress } from '../config/addresses.ts';
import type { sharesOf } from './shop.ts';

/** Where the made-up shop goes. */
export interface DemoTargets {
  readonly postgres: PostgresAddress;
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly folder: string;
}

/** Rows of each kind. */
export type Shares = ReturnType<typeof sharesOf>;

/** Hears of each kind when it is made. */
export type OnProgress = (what: string, rows: number) => void;
