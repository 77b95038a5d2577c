import type { Submission } from '../../controller/domain/events.ts';
import type { Cluster } from '../../controller/domain/plan.ts';
import {
  type BackendTraits,
  type BatchBackend,
  type BatchJob,
  hasEnded,
  type Observation,
} from '../../controller/domain/ports/backend.ts';
import { SluiceError } from '../../controller/lib/errors.ts';

/** The observations of a batch, in order; the last one stays. */
export type Script = readonly Observation[];

/** Like a real gateway, so that waits take as long. */
export const traits: BackendTraits = {
  poll: { firstMs: 150, longestMs: 2000 },
  pendingMs: 120_000,
  unknownMs: 60_000,
};
/** The resources of a small cluster. */
export const capacity = async (): Promise<Cluster> => ({ cores: 2, largestMb: 8192 });

/** A backend without Spark: each batch plays the script that `scriptOf` returns for it. */
export function memoryBackend(scriptOf: (job: BatchJob, key: string) => Script): BatchBackend & {
  readonly submitted: readonly string[];
} {
  const batches = new Map<string, { script: Script; seen: number; cancelled: boolean }>();
  const known = ({ key }: Submission): { script: Script; seen: number; cancelled: boolean } => {
    const batch = batches.get(key);
    if (!batch) throw new SluiceError(`there is no batch ${key}`, { kind: 'rejected' });
    return batch;
  };
  return {
    traits,
    check: async () => undefined,
    capacity,
    get submitted() {
      return [...batches.keys()];
    },
    async submit(job, key) {
      if (!batches.has(key)) batches.set(key, { script: scriptOf(job, key), seen: 0, cancelled: false });
      return { key, id: key };
    },
    find: async (key) => (batches.has(key) ? { key, id: key } : undefined),
    async observe(submission) {
      const batch = batches.get(submission.key);
      if (!batch) return { state: 'pending', unknown: true };
      if (batch.cancelled) return { state: 'cancelled' };
      const shown = batch.script[Math.min(batch.seen, batch.script.length - 1)] ?? { state: 'pending' };
      batch.seen += 1;
      return shown;
    },
    async cancel(submission) {
      const batch = batches.get(submission.key);
      const last = batch?.script[Math.min(Math.max(0, batch.seen - 1), batch.script.length - 1)];
      if (batch && !(last && batch.seen > 0 && hasEnded(last.state))) batch.cancelled = true;
    },
    logs: async (submission) => (known(submission).script.at(-1)?.detail ?? '').split('\n'),
  };
}
