import { setTimeout as sleep } from 'node:timers/promises';

/** Periodic work of a controller. */
export interface Service {
  readonly name: string;
  readonly everyMs: number;
  work(): Promise<unknown>;
}

/** Runs each service in a loop of its own until the signal aborts: one that fails or takes long holds up no other. */
export async function runServices(
  services: readonly Service[],
  signal: AbortSignal,
  failed: (service: string, error: unknown) => void,
): Promise<void> {
  const loop = async ({ name, everyMs, work }: Service): Promise<void> => {
    for (;;) {
      await sleep(everyMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      await work().catch((error: unknown) => failed(name, error));
    }
  };
  await Promise.all(services.map(loop));
}
