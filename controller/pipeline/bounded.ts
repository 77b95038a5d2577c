import { createContext, Script } from 'node:vm';

/** The time limit of one expression. Milliseconds. */
const longest = 500;

const context = createContext({ work: undefined as unknown });
const script = new Script('work()');

/**
 * Runs synchronous work from an untrusted source, such as an expression with a pattern that backtracks. Throws a
 * RangeError when it takes longer than half a second twice; once may be the fault of a stalled machine.
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
