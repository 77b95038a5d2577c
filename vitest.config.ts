import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';

/** `unit` is pure and quick; each worker of `integration` has a stack of its own. */
export default defineConfig({
  test: {
    reporters: ['default', './test/closing-line.ts'],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        // A loaded machine is slow, and no fault.
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/integration/**'],
          setupFiles: ['test/plain-environment.ts'],
          testTimeout: 60_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/stacks.ts'],
          setupFiles: ['test/own-stack.ts'],
          testTimeout: 240_000,
          hookTimeout: 300_000,
          // Its tests wait as much as they compute: more than two on two cores would only be in each other's way.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
