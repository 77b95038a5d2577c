import type { RunStore } from '../domain/ports/store.ts';
import { faultPoint } from '../lib/env.ts';

/** The store calls that write. */
const writes: ReadonlySet<PropertyKey> = new Set([
  'create',
  'append',
  'fire',
  'request',
  'recordAttempt',
  'claim',
  'cleanedUp',
  'remove',
]);

/**
 * Kills or stops the controller right before or after its n-th durable write: SLUICE_FAULT is `before:7:kill` or
 * `after:7:stop`. For recovery tests; without the variable it returns the store unchanged.
 */
export function withFaultInjection(store: RunStore): RunStore {
  const [, when, nth, how] = /^(before|after):(\d+):(kill|stop)$/.exec(faultPoint ?? '') ?? [];
  if (when === undefined) return store;
  let count = 0;
  const killOrStop = (): void => {
    process.kill(process.pid, how === 'kill' ? 'SIGKILL' : 'SIGSTOP');
  };
  return new Proxy(store, {
    get(target, name) {
      const call = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>;
      if (!writes.has(name)) return call;
      return async (...args: unknown[]) => {
        count += 1;
        const hit = count === Number(nth);
        if (hit && when === 'before') killOrStop();
        const result = await call.apply(target, args);
        if (hit && when === 'after') killOrStop();
        return result;
      };
    },
  });
}
