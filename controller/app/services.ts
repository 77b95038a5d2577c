import { setTimeout as sleep } from 'node:timers/promises';

/** Periodic work of a controller. */
export interface Service {
  readonly name: string;
  readonly everyMs: number;
  work(): Promise<unknown>;
}

/** Runs each service in its own loop until the signal aborts. A failing or slow service does not delay the others. */
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
