import type { Source } from '../pipeline.ts';
import type { Pin, Profile } from '../profile.ts';

/** What the last published run has read, and how the next one goes on from there. */
export interface Earlier {
  readonly pin: Pin;
  /** Everything counts as new, and topics are read once more. */
  readonly again?: boolean;
  /** From when on topics are read once more; from as far back as they go, when left out. Milliseconds since 1970. */
  readonly since?: number;
}

/**
 * Measures sources and pins their rows. Reads everything once, holds nothing whole in memory.
 * Throws a rejected SluiceError for what a person must mend (no such file, table, topic or column; another header),
 * an unavailable one when a server does not answer. Pins of a probe may lose their value when it is closed.
 */
export interface SourceProbe {
  profile(name: string, source: Source, earlier?: Earlier): Promise<Profile>;
  /** Whether what was pinned can still be read as it was; a probe that another process had may have held it. */
  holds(source: Source, pin: Pin): Promise<boolean>;
  close(): Promise<void>;
}
