import pRetry from 'p-retry';
import { type Answer, request } from '../../../clients/http.ts';
import type { Submission } from '../../../domain/events.ts';
import {
  type BackendTraits,
  type BatchBackend,
  type BatchState,
  hasEnded,
  type Observation,
} from '../../../domain/ports/backend.ts';
import { SluiceError } from '../../../lib/errors.ts';
import { type Batch, batchesSchema, batchSchema, created, linkOf, logSchema, messageOf, read } from './answers.ts';
import { coalesce } from './coalesce.ts';
import { batchRequest, type ClassArchives } from './spark-conf.ts';
import { type Application, capacityOf, type SparkMaster, sparkMaster } from './spark-master.ts';

/** Livy's states (0.7 to 0.9) and the neutral states they map to. */
const states = new Map<string, BatchState>([
  ['not_started', 'pending'],
  ['starting', 'pending'],
  ['recovering', 'pending'],
  ['idle', 'running'],
  ['running', 'running'],
  ['busy', 'running'],
  ['shutting_down', 'running'],
  ['success', 'succeeded'],
  ['error', 'failed'],
  ['dead', 'failed'],
  ['killed', 'cancelled'],
]);
/** A state that only a later Livy knows counts as running. */
const stateOf = ({ state }: Batch): BatchState => states.get(state) ?? 'running';
const masterStates = new Map<string, BatchState>([
  ['FINISHED', 'succeeded'],
  ['KILLED', 'cancelled'],
]);

export interface LivyOptions {
  readonly url: string;
  /** The location of the runner's jar as driver and executors see it. Throws a SluiceError when there is none. */
  readonly jar: () => string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly sparkMaster: string;
  readonly historyServer: string;
  /** Spark properties of this cluster, such as the folder of its event log. */
  readonly conf?: Readonly<Record<string, string>>;
  /** Called at every submission, because `up` may build the archives meanwhile. */
  readonly archives?: () => ClassArchives | undefined;
}

/** Livy starts a driver at once; the Spark master lists it some seconds later. */
const traits: BackendTraits = {
  poll: { firstMs: 150, longestMs: 2000 },
  pendingMs: 120_000,
  unknownMs: 60_000,
};
const confirmIntervalMs = 300;
const confirmTimeoutMs = 60_000;
/** Callers within this time share one response of Livy. Milliseconds. */
const cacheMs = 100;
/** Up to this many batches are polled one by one; more are polled with one request for the whole list. */
const maximumSingleLookups = 2;
const pageSize = 5000;

/**
 * Spark behind Apache Livy's REST API on a standalone cluster. Batches are looked up by name, which is the attempt's
 * key: Livy restarts its ids at 0, so an id may later belong to another batch. Batches that Livy has forgotten are
 * looked up at the Spark master. No batch counts as ended while the master lists its application as active.
 */
export function livyBackend(options: LivyOptions): BatchBackend {
  const master = sparkMaster(options.sparkMaster);
  const headers = headersOf(options);
  /** The keys that are being polled, with the time of the last poll of each. */
  const followed = new Map<string, number>();

  const get = (path: string): Promise<Answer> =>
    // Reading is safe to repeat. After two failures the engine decides how long to wait.
    pRetry(() => request(`${options.url}${path}`, { headers }), { retries: 1, minTimeout: 200 });

  async function batch(key: string): Promise<Batch | undefined> {
    const answer = await get(`/batches/${encodeURIComponent(key)}`);
    if (answer.status === 404) return undefined;
    const found = read(answer, batchSchema, options.url, 'no batch');
    return (found.name ?? key) === key ? found : undefined;
  }

  const allBatches = coalesce(() => listed(get, options.url), cacheMs);

  /** Like `batch`, for keys that are polled repeatedly. */
  async function cachedBatch(key: string): Promise<Batch | undefined> {
    const now = performance.now();
    followed.set(key, now);
    for (const [other, at] of followed) if (now - at > 5000) followed.delete(other);
    return followed.size <= maximumSingleLookups ? batch(key) : (await allBatches()).get(key);
  }

  const remove = (key: string): Promise<unknown> =>
    request(`${options.url}/batches/${encodeURIComponent(key)}`, { method: 'DELETE', headers }).catch(() => undefined);

  return {
    traits,

    async check() {
      options.jar();
      await batch('sluice-is-anybody-there').catch(unreachable);
    },

    capacity: () => capacityOf(master),

    async submit(job, key) {
      const body = JSON.stringify(batchRequest(job, key, options));
      const answer = await request(`${options.url}/batches`, { method: 'POST', headers, body });
      if (answer.status === 201) return submissionOf(created(answer, options.url), key);
      if (answer.status >= 500) {
        throw new SluiceError(`Livy at ${options.url} answered ${answer.status} to a submission`, {
          kind: 'unknown-outcome',
        });
      }
      // The key was submitted before, most likely by this project before a crash.
      if (/Duplicate session name/.test(answer.text)) {
        const found = await batch(key);
        if (found) return submissionOf(found, key);
      }
      const message = `Livy refused the batch (${answer.status}): ${messageOf(answer)}`;
      if (answer.status === 429 || /too many sessions/i.test(answer.text))
        throw new SluiceError(message, { kind: 'unavailable' });
      // A batch that Livy refused while starting it may stay listed, and then occupies its name.
      if (answer.status !== 401 && answer.status !== 403 && (await batch(key))) await remove(key);
      throw new SluiceError(message, { kind: 'rejected' });
    },

    async find(key) {
      const found = await batch(key);
      if (found) return submissionOf(found, key);
      const app = await master.application(key, true);
      return app && { key, id: app.id };
    },

    async observe({ key }) {
      const asked = master.application(key);
      const orNothing = asked.catch(() => undefined);
      const found = await cachedBatch(key);
      if (!found)
        return observeApplication(
          master,
          options.historyServer,
          (await asked)?.active ? await master.application(key, true) : await asked,
        );
      // When the master is unavailable, Livy's answer is enough as long as it knows the batch.
      const app = await orNothing;
      const reported = stateOf(found);
      // Livy reports the end, but the cached answer of the master shows an active application: ask the master again.
      const now = app?.active && hasEnded(reported) ? await master.application(key, true).catch(() => app) : app;
      const state = now?.active && hasEnded(reported) ? 'running' : reported;
      const seen = now ? await observeApplication(master, options.historyServer, now) : undefined;
      // Livy says `dead` however a driver ended; the master also knows that its application was killed.
      const details = [`Livy says ${found.state}`, ...(seen?.detail === undefined ? [] : [seen.detail])];
      const applicationId = seen?.applicationId ?? found.appId ?? undefined;
      const ui = seen?.ui ?? linkOf(found.appInfo?.sparkUiUrl);
      return {
        state,
        ...(applicationId === undefined ? {} : { applicationId }),
        ...(ui === undefined ? {} : { ui }),
        ...(seen?.progress && !hasEnded(state) ? { progress: seen.progress } : {}),
        ...(state === 'failed' || state === 'cancelled' ? { detail: details.join(', ') } : {}),
      };
    },

    async cancel({ key }) {
      const app = await master.application(key, true);
      if (app?.active) await master.kill(app.id);
      // DELETE blocks until the driver has ended, without a limit. It is sent and not awaited.
      if (await batch(key)) void remove(key);
      const deadline = Date.now() + confirmTimeoutMs;
      for (;;) {
        // Uses the same cache as `observe`, so that no observer sees an older list afterwards.
        const [app, left] = await Promise.all([master.application(key, true), cachedBatch(key)]);
        const alive = app?.active || (left && !hasEnded(stateOf(left)));
        if (!alive) return;
        if (Date.now() > deadline) {
          throw new SluiceError(`${key} is still running ${confirmTimeoutMs / 1000} s after its cancellation`, {
            kind: 'unavailable',
          });
        }
        if (app?.active) await master.kill(app.id);
        await new Promise((resolve) => setTimeout(resolve, confirmIntervalMs));
      }
    },

    async logs({ key }) {
      const found = await batch(key);
      if (!found) return [];
      const answer = await get(`/batches/${found.id}/log?from=-1&size=200`);
      return read(answer, logSchema, options.url, 'no log').log;
    },
  };
}

/** The observation of a batch by its application at the Spark master. */
async function observeApplication(
  master: SparkMaster,
  historyServer: string,
  app: Application | undefined,
): Promise<Observation> {
  if (!app) return { state: 'pending', unknown: true };
  if (app.active) {
    const progress = await master.progress(app.id).catch(() => undefined);
    return { state: 'running', applicationId: app.id, ui: master.uiOf(app.id), ...(progress ? { progress } : {}) };
  }
  const state = masterStates.get(app.state) ?? 'failed';
  const ui = `${historyServer}/history/${app.id}/jobs/`;
  return { state, applicationId: app.id, ui, detail: `the Spark master says ${app.state}` };
}

function headersOf({ user, password = '' }: LivyOptions): Record<string, string> {
  const headers = { 'content-type': 'application/json', 'x-requested-by': 'sluice' };
  if (user === undefined) return headers;
  return { ...headers, authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

/** All batches that Livy lists, by name. */
async function listed(get: (path: string) => Promise<Answer>, url: string): Promise<ReadonlyMap<string, Batch>> {
  const byName = new Map<string, Batch>();
  for (let from = 0; ; from += pageSize) {
    const answer = await get(`/batches?from=${from}&size=${pageSize}`);
    const { sessions } = read(answer, batchesSchema, url, 'no list of batches');
    for (const each of sessions) if (each.name) byName.set(each.name, each);
    if (sessions.length < pageSize) return byName;
  }
}

const submissionOf = (batch: Pick<Batch, 'id'>, key: string): Submission => ({ key, id: String(batch.id) });

/** Adds a hint to the error of the first request to a backend. */
function unreachable(error: unknown): never {
  if (!(error instanceof SluiceError) || error.hint !== undefined) throw error;
  throw new SluiceError(error.message, {
    kind: error.kind,
    hint: 'start the local stack (`sluice up`), or correct spark in conf/connections.yaml',
    cause: error,
  });
}
