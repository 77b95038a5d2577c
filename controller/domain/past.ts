/** A measure of one run. */
export interface Reading {
  /** The wall time that the run is for: `2026-11-24T06:00`. */
  readonly time: string;
  readonly value: number;
  /** The rows of which a share is taken. */
  readonly of?: number;
}

/** Readings of earlier runs by the path of their measure: `orders.rows`. */
export type Past = Readonly<Record<string, readonly Reading[]>>;

/**
 * What is measured: a `count` may be too small or too great; a `share` from 0 to 1, and `seconds`, only too great.
 */
export type Nature = 'count' | 'share' | 'seconds';

/** A measure beside those of earlier runs, with the numbers that were compared. */
export interface Judgement {
  readonly verdict: 'normal' | 'unusual' | 'unknown';
  /** Left out when the run has none, such as a share of no rows. */
  readonly value?: number;
  /** The runs that were compared. */
  readonly runs: number;
  /** What they have in common with this one: the weekday, from 1 (Monday) to 7, or the hour of the day. */
  readonly weekday?: number;
  readonly hour?: number;
  /** The median of those runs at today's level, and the band around it. Left out with too few runs. */
  readonly median?: number;
  readonly low?: number;
  readonly high?: number;
}

/** The judgement of a measure, by its path. */
export interface Compared extends Judgement {
  readonly measure: string;
  readonly nature: Nature;
}
