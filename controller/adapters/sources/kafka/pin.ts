import type { Pin } from '../../../domain/profile.ts';

/** Whether a source was pinned by its offsets. */
export const isKafkaPin = (pin: Pin | undefined): pin is KafkaPin => pin?.kind === 'kafka';

/** Messages by their offsets. */
export interface KafkaPin extends Pin {
  readonly kind: 'kafka';
  readonly topic: string;
  /** Offsets from `start` up to, without, `end`. */
  readonly partitions: readonly { readonly partition: number; readonly start: number; readonly end: number }[];
  readonly log?: TopicLog;
}

/** All that was ever read of a topic, so that the next run reads only what came after it. */
export interface TopicLog {
  readonly paths: readonly string[];
  /** The files of the run that it goes on from; of no use once this run is published. */
  readonly replaces: readonly string[];
  /** How many of its rows earlier runs have read. */
  readonly carried: number;
  readonly bytes: number;
  /** What the rows were judged by. */
  readonly rules: string;
  /** The time of the youngest message, and the offsets a topic gives for it: by these it is known again. Milliseconds. */
  readonly youngest: number;
  readonly marks: readonly { readonly partition: number; readonly offset: string }[];
}
