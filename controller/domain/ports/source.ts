import type { Source } from '../pipeline.ts';
import type { Pin, Profile } from '../profile.ts';

/** What the last published run read, and how the next run continues. */
export interface PreviousRead {
  readonly pin: Pin;
  /** Full refresh: all rows count as new, and topics are read again. */
  readonly again?: boolean;
  /** The time from which topics are read again; their beginning when left out. Milliseconds since 1970. */
  readonly since?: number;
}

/**
 * Measures sources and pins their rows. Reads everything once, and never holds a whole source in memory. Throws a
 * rejected SluiceError for what needs a fix (a missing file, table, topic or column; another header), an unavailable
 * one when a server does not respond. Pins may become unreadable when their reader is closed.
 */
export interface SourceReader {
  profile(name: string, source: Source, earlier?: PreviousRead): Promise<Profile>;
  /** Whether the pinned rows are still readable. They may depend on the reader of another process. */
  isReadable(source: Source, pin: Pin): Promise<boolean>;
  close(): Promise<void>;
}
