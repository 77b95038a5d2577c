import { cleanUp, removeExpiredRuns } from '../engine/janitor.ts';
import type { Ports } from '../engine/ports.ts';
import { milliseconds } from '../lib/duration.ts';
import { type Adapters, workspaceOf } from './wiring.ts';

/** The rows of the ledger that each trigger keeps, however old, and how many are removed at once. */
const keptOfTrigger = 1000;
const removedAtOnce = 500;
/** How long alerts are kept after their end. Milliseconds. */
const keptAlertsMs = 366 * 86_400_000;

/** Cleans up after ended runs, and removes what is beyond its retention. `now` is the store's time. */
export async function cleanUpProject(
  adapters: Adapters,
  shared: Pick<Ports, 'backend' | 'embedded' | 'publisher' | 'store'>,
  now: number,
): Promise<void> {
  const { runs, firings } = adapters.context.project.connections.retention;
  const { store } = shared;
  const deps = { ...shared, workspaceOf: (run: string) => workspaceOf(adapters, run) };
  await cleanUp(deps);
  await store.removeAlerts(now - keptAlertsMs, removedAtOnce);
  if (runs !== undefined) await removeExpiredRuns(deps, milliseconds(runs));
  if (firings !== undefined) await store.removeFirings(milliseconds(firings), keptOfTrigger, removedAtOnce);
}
