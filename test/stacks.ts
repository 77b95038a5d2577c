import type { TestProject } from 'vitest/node';
import { freeOffsets } from './ports.ts';
import { type Stack, startStack } from './stack.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The environment of each worker's stack. */
    readonly stacks: readonly Stack['env'][];
  }
}

/** Starts a stack for each worker that there will be, and ends all of them whatever happens. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [first = 0, ...others] = await freeOffsets(project.config.maxWorkers);
  // The first one fetches what is not in the user's cache yet.
  const stacks = [await startStack(first)];
  const down = async (): Promise<void> => {
    await Promise.all(stacks.map((stack) => stack.down()));
  };
  const started = await Promise.allSettled(others.map(startStack));
  for (const each of started) if (each.status === 'fulfilled') stacks.push(each.value);
  const failed = started.find((each) => each.status === 'rejected');
  if (failed) {
    await down();
    throw failed.reason;
  }
  project.provide(
    'stacks',
    stacks.map(({ env }) => env),
  );
  return down;
}
