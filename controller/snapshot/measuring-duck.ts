import { availableParallelism } from 'node:os';
import { type Duck, type DuckOptions, openDuck } from '../clients/duckdb.ts';
import { reasonOf } from '../lib/errors.ts';

/**
 * Databases that are open for measuring at the same time in this process, whatever the number of sources and runs. Two
 * keep the cores busy while one of them waits for its server. Each more only adds its memory.
 */
const atATime = 2;
/**
 * A source is measured row by row, but for the hash table of its keys. DuckDB needs memory for each thread, so their
 * number is limited, too.
 */
const [mbPerThread, mostThreads] = [64, 4];
const threads = Math.min(mostThreads, availableParallelism());
const small: DuckOptions = { threads, memoryMb: threads * mbPerThread };
let open = 0;
const waiting: (() => void)[] = [];

/** Whether DuckDB could not do with its memory, even though it writes to disk what it can. */
export const isOutOfMemory = (error: unknown): boolean =>
  /^Out of Memory Error|failed to (?:pin block|allocate data) of size/.test(reasonOf(error));

/**
 * Measures in a private database, once there is room for one. It has little memory, and spills to `folder`. Rows of
 * many megabytes need more: then the work is done again, with the memory of other databases.
 */
export async function measureInDuck<T>(
  folder: string,
  reach: readonly string[],
  work: (duck: Duck) => Promise<T>,
  options: Omit<DuckOptions, 'threads' | 'memoryMb'> = {},
): Promise<T> {
  const using = async (memory: DuckOptions): Promise<T> => {
    const duck = await openDuck(folder, reach, { ...options, ...memory });
    try {
      return await work(duck);
    } finally {
      await duck.close();
    }
  };
  if (open < atATime) open += 1;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    return await using(small).catch((error: unknown) => {
      if (!isOutOfMemory(error)) throw error;
      return using({});
    });
  } finally {
    const next = waiting.shift();
    if (next) next();
    else open -= 1;
  }
}
