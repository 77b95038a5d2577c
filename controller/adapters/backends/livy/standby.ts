import { setTimeout as sleep } from 'node:timers/promises';
import type { Submission } from '../../../domain/events.ts';
import { type BatchBackend, type BatchJob, hasEnded } from '../../../domain/ports/backend.ts';
import { isStandby, type StandbyOptions, StandbyPool } from './standby-pool.ts';

/** After an attempt, the next step of its run may need the cores at once. Milliseconds. */
const pauseMs = 500;
/** How long an application may do nothing before it is taken to wait for the cores of drivers without a job. Milliseconds. */
const silentMs = 30_000;

/**
 * A backend with drivers that stand ready. After an attempt the next driver is started with its settings; one that does
 * not fit a job is sent away. The claim of an attempt has the last word, as for any driver.
 */
export function withStandby(backend: BatchBackend, options: StandbyOptions): BatchBackend {
  const pool = new StandbyPool(backend, options);
  /** The jobs that this process has submitted and not seen ending, by key, with the time of their last progress. */
  const jobs = new Map<string, { readonly job: BatchJob; activeMs: number }>();

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
      jobs.set(key, { job, activeMs: performance.now() });
      return submission;
    },

    async find(key) {
      const name = await pool.assigned(key);
      return name === undefined ? backend.find(key) : { key, id: name };
    },

    async observe(submission) {
      const driver = await driverOf(submission);
      const seen = await backend.observe(driver);
      const known = jobs.get(submission.key);
      if (hasEnded(seen.state)) {
        jobs.delete(submission.key);
        if (isStandby(driver.id)) await pool.removeSecrets(driver.id);
        // The settings of a failed attempt may be why it failed. Without a driver that stands ready, the next attempt
        // starts as any other.
        if (known && seen.state === 'succeeded')
          void sleep(pauseMs)
            .then(() => pool.refill(known.job, () => jobs.size === 0))
            .catch(() => undefined);
      } else if (known && !isStandby(driver.id)) {
        if (seen.progress) known.activeMs = performance.now();
        else if (performance.now() - known.activeMs > silentMs) {
          known.activeMs = performance.now();
          await pool.dismiss();
        }
      }
      return seen;
    },

    async cancel(submission) {
      jobs.delete(submission.key);
      const driver = await driverOf(submission);
      await backend.cancel(driver);
      if (isStandby(driver.id)) await pool.removeSecrets(driver.id);
    },

    logs: async (submission) => backend.logs(await driverOf(submission)),

    async forget({ key }) {
      jobs.delete(key);
      await pool.forget(key);
    },

    ...(backend.classify && { classify: backend.classify }),
  };
}
