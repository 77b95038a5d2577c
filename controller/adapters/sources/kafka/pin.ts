import type { Pin } from '../../../domain/profile.ts';

/** Whether a pin is one of offsets. */
export const isKafkaPin = (pin: Pin | undefined): pin is KafkaPin => pin?.kind === 'kafka';

/** Messages by their offsets. */
export interface KafkaPin extends Pin {
  readonly kind: 'kafka';
  readonly topic: string;
  /** Offsets from `start` (inclusive) to `end` (exclusive). */
  readonly partitions: readonly { readonly partition: number; readonly start: number; readonly end: number }[];
  readonly log?: TopicLog;
}

/** All that runs have read of a topic, so that the next run reads only later messages. */
export interface TopicLog {
  readonly paths: readonly string[];
  /** The files of the run that this one continues. They are removed once this run is published. */
  readonly replaces: readonly string[];
  /** Rows that earlier runs have read. */
  readonly carried: number;
  readonly bytes: number;
  /** The hash of the rules by which the rows were checked. */
  readonly rules: string;
  /**
   * The time of the youngest message in milliseconds, and the offsets that the topic returns for it. They identify the
   * topic.
   */
  readonly youngest: number;
  readonly marks: readonly { readonly partition: number; readonly offset: string }[];
}
