import type { Readings, Total } from '../totals.ts';

/** The state of a project in numbers. Times are milliseconds since 1970, by the store. */
export interface Vitals {
  readonly now: number;
  readonly totals: readonly Total[];
  /** Runs that have not ended, by pipeline and state. */
  readonly open: readonly {
    readonly pipeline: string;
    readonly state: string;
    readonly runs: number;
    /** When the oldest of them started. */
    readonly oldest: number;
  }[];
  /** The last end of each pipeline. */
  readonly ended: readonly {
    readonly pipeline: string;
    readonly run: string;
    readonly state: string;
    readonly at: number;
  }[];
  /** The last run of each pipeline that published. */
  readonly published: readonly {
    readonly pipeline: string;
    readonly at: number;
    /** From 0 to 1. */
    readonly quality: number | undefined;
    readonly rows: number | undefined;
  }[];
  /** Messages that wait, by channel, and since when the oldest does. */
  readonly outbox: readonly { readonly channel: string; readonly messages: number; readonly oldest: number }[];
  /** What the last run of each pipeline has found that measured its sources. */
  readonly readings: readonly (Readings & { readonly pipeline: string })[];
  /** Spark applications that have a slot, over all projects of the store. */
  readonly applications: number;
}

/** What monitoring reads of a store; of this project alone. */
export interface VitalsStore {
  vitals(): Promise<Vitals>;
}
