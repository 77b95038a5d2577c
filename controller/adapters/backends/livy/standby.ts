import { setTimeout as sleep } from 'node:timers/promises';
import type { Submission } from '../../../domain/events.ts';
import { type BatchBackend, type BatchJob, hasEnded } from '../../../domain/ports/backend.ts';
import { isStandby, type StandbyOptions, StandbyPool } from './standby-pool.ts';

/** After an attempt, the next step of its run may need the cores at once. Milliseconds. */
const pauseMs = 500;

/**
 * A backend with drivers that stand ready. After an attempt the next driver is started with its settings; one that does
 * not fit a job is sent away. The claim of an attempt has the last word, as for any driver.
 */
export function withStandby(backend: BatchBackend, options: StandbyOptions): BatchBackend {
  const pool = new StandbyPool(backend, options);
  /** The jobs that this process has submitted and not seen ending, by key. */
  const jobs = new Map<string, BatchJob>();

  /** The submission by which the backend knows the driver of a submission. */
  async function driverOf(submission: Submission): Promise<Submission> {
    const { key, id } = submission;
    const name = isStandby(id) ? id : id === '' ? await pool.assigned(key) : undefined;
    return name === undefined ? submission : { key: name, id: name };
  }

  return {
    traits: backend.traits,
    check: () => backend.check(),
    capacity: () => pool.capacity(),

    async submit(job, key) {
      const name = await pool.assign(job, key);
      const submission = name === undefined ? await backend.submit(job, key) : { key, id: name };
      jobs.set(key, job);
      return submission;
    },

    async find(key) {
      const name = await pool.assigned(key);
      return name === undefined ? backend.find(key) : { key, id: name };
    },

    async observe(submission) {
      const seen = await backend.observe(await driverOf(submission));
      const job = jobs.get(submission.key);
      if (job && hasEnded(seen.state)) {
        jobs.delete(submission.key);
        // Without a driver that stands ready, the next attempt starts as any other.
        void sleep(pauseMs)
          .then(() => pool.refill(job))
          .catch(() => undefined);
      }
      return seen;
    },

    async cancel(submission) {
      jobs.delete(submission.key);
      await backend.cancel(await driverOf(submission));
    },

    logs: async (submission) => backend.logs(await driverOf(submission)),

    async forget(submission) {
      const driver = await driverOf(submission);
      await pool.forget(submission.key);
      await backend.forget?.(driver);
    },

    ...(backend.classify && { classify: backend.classify }),
  };
}
