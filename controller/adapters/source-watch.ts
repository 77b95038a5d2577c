import type { Source } from '../domain/pipeline.ts';
import type { StoredObject } from '../domain/ports/storage.ts';

/** How far a source has got, without its rows. A kind has the looks that make sense for it. */
export interface SourceWatch {
  /** The files that a glob, the source's own when left out, finds now. */
  files?(source: Source | string): Promise<readonly StoredObject[]>;
  /** The offsets of a topic from its first message (inclusive) to its end (exclusive). */
  offsets?(source: Source): Promise<readonly TopicRange[]>;
  /** The messages of these ranges, by partition and offset. */
  messages?(source: Source, ranges: readonly TopicRange[]): Promise<readonly TopicMessage[]>;
  /**
   * The newest value of a column as text, how many rows are newer than `after`, counted up to `limit`, and whether even
   * the newest one is older.
   */
  newest?(
    source: Source,
    column: string,
    after: string | undefined,
    limit: number,
  ): Promise<{ readonly newest: string | undefined; readonly rows: number; readonly isBack: boolean }>;
}

export interface TopicRange {
  readonly partition: number;
  readonly start: number;
  readonly end: number;
}

export interface TopicMessage {
  readonly partition: number;
  readonly offset: number;
  /** The value as text. */
  readonly value: string;
}
