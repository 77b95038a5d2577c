import type { Source } from '../pipeline.ts';
import type { Pin, Profile } from '../profile.ts';

/** What the last published run has read, and how the next run continues. */
export interface PreviousRead {
  readonly pin: Pin;
  /** Full refresh: all rows count as new, and topics are read again. */
  readonly again?: boolean;
  /** From when topics are read again; from their beginning, when left out. Milliseconds since 1970. */
  readonly since?: number;
}

/**
 * Measures sources and pins their rows. Reads everything once, holds nothing whole in memory. Throws a rejected
 * SluiceError for what needs a fix (no such file, table, topic or column; another header), an unavailable one when a
 * server does not answer. Pins of a reader may become unreadable when it is closed.
 */
export interface SourceReader {
  profile(name: string, source: Source, earlier?: PreviousRead): Promise<Profile>;
  /** Whether the pinned rows are still readable; the reader of another process may have held them. */
  isReadable(source: Source, pin: Pin): Promise<boolean>;
  close(): Promise<void>;
}
