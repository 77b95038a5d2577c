import type { RunStore } from '../../domain/ports/store.ts';

/** Waits for events, and the end: these take as long as they are asked to. */
const withoutTime: ReadonlySet<PropertyKey> = new Set(['waitFor', 'close']);

/** A store that says how long each of its operations took, also one that failed. Seconds. */
export const timedStore = (store: RunStore, observe: (operation: string, seconds: number) => void): RunStore =>
  Object.fromEntries(
    Object.entries(store).map(([name, operation]) => [
      name,
      withoutTime.has(name) || typeof operation !== 'function'
        ? operation
        : async (...args: unknown[]) => {
            const began = performance.now();
            try {
              return await operation.apply(store, args);
            } finally {
              observe(name, (performance.now() - began) / 1000);
            }
          },
    ]),
  ) as unknown as RunStore;
