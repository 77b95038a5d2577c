import { createContext, Script } from 'node:vm';

/** The longest that one expression may take. Milliseconds. */
const longest = 500;

const context = createContext({ work: undefined as unknown });
const script = new Script('work()');

/**
 * The result of synchronous work that somebody else has written, such as an expression with a pattern that backtracks.
 * Throws a RangeError when it takes longer than half a second, twice: once may be a machine that stood still.
 */
export function bounded<T>(work: () => T, tries = 2): T {
  context.work = work;
  try {
    return script.runInContext(context, { timeout: longest });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    if (tries > 1) return bounded(work, tries - 1);
    throw new RangeError(`it takes longer than ${longest} ms`, { cause: error });
  }
}
