import fc from 'fast-check';
import { SluiceError } from '../../controller/lib/errors.ts';

/** Code under fuzzing: its inputs, and the result of each. */
export interface Subject {
  readonly name: string;
  /** Cases of this subject per case of the whole fuzzer; subjects that use DuckDB are slower than others. */
  readonly share: number;
  /** Plays one input: accepted, or refused with an error that names a fix. Throws for any other result. */
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

/** A longer case counts as a hang. Milliseconds. */
const hangMs = 1000;

/** Waits for work that may be refused, but only with Sluice's own errors. */
export async function refusedOr<T>(work: Promise<T>): Promise<{ readonly value: T } | undefined> {
  try {
    return { value: await work };
  } catch (error) {
    if (error instanceof SluiceError && error.kind === 'rejected' && error.message !== '') return undefined;
    throw error;
  }
}

/** Work that takes longer never ends, even on a loaded machine. Milliseconds. */
const neverMs = 30_000;

/** Plays one case of a seed. Returns its result, its problem and its duration in milliseconds. */
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
 * Plays cases of a subject, each with its own seed, so that one can be repeated alone: `seed`, `seed + 1` and so on.
 * `broken` is called for each bad case, with its seed.
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
    // The first case of a process loads code, and the machine may be busy: a real hang is slow again.
    const again = came === 'hangs' || ms <= hangMs ? ms : (await playOne(subject, at)).ms;
    if (again <= hangMs) continue;
    if (came !== 'hangs') tally.hangs += 1;
    broken(`${subject.name}, seed ${at}: took ${Math.round(ms)} ms, and ${Math.round(again)} ms when played again`);
  }
  return tally;
}
