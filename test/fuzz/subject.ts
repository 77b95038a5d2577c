import fc from 'fast-check';
import { SluiceError } from '../../controller/lib/errors.ts';

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

/** What has not ended after this long never will, however loaded the machine. Milliseconds. */
const neverMs = 30_000;

/** Plays one case of a seed; says what went wrong and how long it took. */
async function playOne(subject: Subject, seed: number): Promise<{ came: keyof Tally; why?: string; ms: number }> {
  const [random] = fc.sample(fc.gen(), { numRuns: 1, seed }) as [fc.GeneratorValue];
  const started = performance.now();
  const took = (): number => performance.now() - started;
  let timer: NodeJS.Timeout | undefined;
  const never = new Promise<'hangs'>((resolve) => {
    timer = setTimeout(resolve, neverMs, 'hangs');
  });
  try {
    return { came: await Promise.race([subject.play(random), never]), ms: took() };
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { came: error instanceof Lost ? 'losses' : 'crashes', why, ms: took() };
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Plays so many cases of a subject, each with a seed of its own, so that one can be played alone: `seed`, `seed + 1` and so on.
 * `broken` is told of each that is not as it should be, with its seed.
 */
export async function fuzz(
  subject: Subject,
  cases: number,
  seed: number,
  broken: (what: string) => void,
): Promise<Tally> {
  const tally: Tally = { accepted: 0, refused: 0, crashes: 0, hangs: 0, losses: 0 };
  for (let at = seed; at < seed + cases; at++) {
    const { came, why, ms } = await playOne(subject, at);
    tally[came] += 1;
    if (why !== undefined) broken(`${subject.name}, seed ${at}: ${why}`);
    // The first case of a process loads code, and a machine has other things to do: what hangs is slow again.
    const again = came === 'hangs' || ms <= hangMs ? ms : (await playOne(subject, at)).ms;
    if (again <= hangMs) continue;
    if (came !== 'hangs') tally.hangs += 1;
    broken(`${subject.name}, seed ${at}: took ${Math.round(ms)} ms, and ${Math.round(again)} ms when played again`);
  }
  return tally;
}
