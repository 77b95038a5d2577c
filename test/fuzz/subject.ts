import fc from 'fast-check';
import { SluiceError } from '../../controller/errors.ts';

/** Something that is given inputs it was not made for: what they are, and what came of one. */
export interface Subject {
  readonly name: string;
  /** One case of the whole fuzzer is as many of this subject; those that ask DuckDB are slower than others. */
  readonly share: number;
  /** Plays one input: accepted, or refused with an error a person can act on. Throws for all else. */
  play(random: fc.GeneratorValue): Promise<'accepted' | 'refused'>;
  close?(): Promise<void>;
}

/** Rows that went in and did not come out. */
export class Lost extends Error {}

export interface Tally {
  accepted: number;
  refused: number;
  crashes: number;
  hangs: number;
  losses: number;
}

/** What is longer than this at a case is a hang. Milliseconds. */
const hangMs = 1000;

/** Waits for a piece of work that may be refused, in our own words alone. */
export async function refusedOr<T>(work: Promise<T>): Promise<{ readonly value: T } | undefined> {
  try {
    return { value: await work };
  } catch (error) {
    if (error instanceof SluiceError && error.kind === 'rejected' && error.message !== '') return undefined;
    throw error;
  }
}

/** Plays so many cases of a subject from a seed; `broken` hears of each that is not as it should be, with the seed that plays it again. */
export async function fuzz(
  subject: Subject,
  cases: number,
  seed: number,
  broken: (what: string) => void,
): Promise<Tally> {
  const tally: Tally = { accepted: 0, refused: 0, crashes: 0, hangs: 0, losses: 0 };
  for (let at = 0; at < cases; at++) {
    // A seed of its own for each, so that one can be played alone.
    const [random] = fc.sample(fc.gen(), { numRuns: 1, seed: seed + at }) as [fc.GeneratorValue];
    const started = performance.now();
    try {
      tally[await subject.play(random)] += 1;
    } catch (error) {
      tally[error instanceof Lost ? 'losses' : 'crashes'] += 1;
      broken(`${subject.name}, seed ${seed + at}: ${error instanceof Error ? error.stack : String(error)}`);
    }
    if (performance.now() - started > hangMs) {
      tally.hangs += 1;
      broken(`${subject.name}, seed ${seed + at}: took ${Math.round(performance.now() - started)} ms`);
    }
  }
  return tally;
}
