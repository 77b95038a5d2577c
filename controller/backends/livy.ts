import pRetry from 'p-retry';
import { type Answer, request } from '../connect/http.ts';
import { SluiceError } from '../errors.ts';
import { type BatchBackend, type BatchJob, type BatchState, ended, type Observation, type Submission } from './port.ts';
import { sparkConf } from './spark-conf.ts';
import { type Application, sparkMaster } from './spark-master.ts';

/** Livy's states (0.7 to 0.9) and what they mean here. */
const states: Readonly<Record<string, BatchState>> = {
  not_started: 'pending',
  starting: 'pending',
  recovering: 'pending',
  idle: 'running',
  running: 'running',
  busy: 'running',
  shutting_down: 'running',
  success: 'succeeded',
  error: 'failed',
  dead: 'failed',
  killed: 'cancelled',
};

export interface LivyOptions {
  readonly url: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly sparkMaster: string;
  readonly historyServer: string;
  /** Where Spark properties of this cluster come from, such as the event log's folder. */
  readonly conf?: Readonly<Record<string, string>>;
}

interface Batch {
  id: number;
  name?: string;
  state: string;
  appId?: string | null;
  appInfo?: { sparkUiUrl?: string | null };
}

const confirmEvery = 300;
const confirmWithin = 60_000;

/**
 * Spark behind Apache Livy's REST API on a standalone cluster. A batch is always asked for by its name, which is our key:
 * ids start again at 0 when Livy restarts, and may then be a stranger's. What Livy has forgotten, the Spark master is asked.
 */
export function livyBackend(options: LivyOptions): BatchBackend {
  const master = sparkMaster(options.sparkMaster);
  const headers: Record<string, string> = { 'content-type': 'application/json', 'x-requested-by': 'sluice' };
  if (options.user !== undefined) {
    headers.authorization = `Basic ${Buffer.from(`${options.user}:${options.password ?? ''}`).toString('base64')}`;
  }

  const get = (path: string): Promise<Answer> =>
    // Reading is safe to repeat; a request that failed twice is the engine's to wait for.
    pRetry(() => request(`${options.url}${path}`, { headers }), { retries: 1, minTimeout: 200 });

  async function batch(key: string): Promise<Batch | undefined> {
    const answer = await get(`/batches/${encodeURIComponent(key)}`);
    if (answer.status === 404) return undefined;
    const found = expectJson(answer, options.url) as Batch;
    return found.name === undefined || found.name === key ? found : undefined;
  }

  async function observeApplication(app: Application | undefined): Promise<Observation> {
    if (!app) return { state: 'pending', unknown: true };
    const history = `${options.historyServer}/history/${app.id}`;
    if (app.active)
      return { state: 'running', applicationId: app.id, ui: master.uiOf(app.id), ...(await progressOf(app)) };
    const state = ({ FINISHED: 'succeeded', KILLED: 'cancelled' } as Record<string, BatchState>)[app.state] ?? 'failed';
    return { state, applicationId: app.id, ui: `${history}/jobs/`, detail: `the Spark master says ${app.state}` };
  }

  async function progressOf(app: Application): Promise<Pick<Observation, 'progress'>> {
    const progress = await master.progress(app.id).catch(() => undefined);
    return progress ? { progress } : {};
  }

  return {
    async submit(job, key) {
      const body = JSON.stringify(batchRequest(job, key, options.conf ?? {}));
      const answer = await request(`${options.url}/batches`, { method: 'POST', headers, body });
      if (answer.status === 201) return submissionOf(expectJson(answer, options.url) as Batch, key);
      if (answer.status >= 500) {
        throw new SluiceError(`Livy at ${options.url} answered ${answer.status} to a submission`, {
          kind: 'unknown-outcome',
        });
      }
      // Somebody, most likely we ourselves before a crash, has submitted this key already.
      if (/Duplicate session name/.test(answer.text)) {
        const found = await batch(key);
        if (found) return submissionOf(found, key);
      }
      throw new SluiceError(`Livy refused the batch (${answer.status}): ${messageOf(answer)}`, { kind: 'rejected' });
    },

    async find(key) {
      const found = await batch(key);
      if (found) return submissionOf(found, key);
      const app = await master.application(key);
      return app && { key, id: app.id };
    },

    async observe({ key }) {
      const found = await batch(key);
      const app = await master.application(key).catch((error: unknown) => {
        if (found) return undefined; // a cluster whose master we cannot ask: Livy alone will do
        throw error;
      });
      if (!found) return observeApplication(app);
      const state = states[found.state] ?? 'running';
      const seen = app ? await observeApplication(app) : undefined;
      const applicationId = seen?.applicationId ?? found.appId ?? undefined;
      const ui = seen?.ui ?? found.appInfo?.sparkUiUrl ?? undefined;
      return {
        state,
        ...(applicationId === undefined ? {} : { applicationId }),
        ...(ui === undefined ? {} : { ui }),
        ...(seen?.progress && !ended(state) ? { progress: seen.progress } : {}),
        ...(state === 'failed' || state === 'cancelled' ? { detail: `Livy says ${found.state}` } : {}),
      };
    },

    async cancel({ key }) {
      const app = await master.application(key);
      if (app?.active) await master.kill(app.id);
      // DELETE waits for the driver without bound, so it is sent and not waited for.
      const found = await batch(key);
      if (found)
        await request(`${options.url}/batches/${found.id}`, { method: 'DELETE', headers }).catch(() => undefined);
      const deadline = Date.now() + confirmWithin;
      for (;;) {
        const [app, left] = await Promise.all([master.application(key), batch(key)]);
        const alive = app?.active || (left && !ended(states[left.state] ?? 'running'));
        if (!alive) return;
        if (Date.now() > deadline) {
          throw new SluiceError(`${key} is still alive ${confirmWithin / 1000} s after it was told to stop`, {
            kind: 'unavailable',
          });
        }
        if (app?.active) await master.kill(app.id);
        await new Promise((resolve) => setTimeout(resolve, confirmEvery));
      }
    },

    async logs({ key }) {
      const found = await batch(key);
      if (!found) return [];
      const answer = await get(`/batches/${found.id}/log?from=-1&size=200`);
      const lines = (answer.body as { log?: unknown } | undefined)?.log;
      return Array.isArray(lines) ? lines.map(String) : [];
    },
  };
}

function batchRequest(job: BatchJob, key: string, conf: Readonly<Record<string, string>>): object {
  const { settings } = job;
  return {
    name: key,
    file: job.jar,
    className: job.mainClass,
    args: job.args,
    driverMemory: settings.driverMemory,
    executorMemory: settings.executorMemory,
    executorCores: settings.executorCores,
    numExecutors: settings.executors,
    conf: { ...conf, ...sparkConf(job, key) },
  };
}

const submissionOf = (batch: Batch, key: string): Submission => ({ key, id: String(batch.id) });

function messageOf(answer: Answer): string {
  const message = (answer.body as { msg?: unknown } | undefined)?.msg;
  return (typeof message === 'string' ? message : answer.text).slice(0, 300);
}

function expectJson(answer: Answer, url: string): object {
  if (answer.status === 401 || answer.status === 403) {
    throw new SluiceError(`Livy at ${url} refuses us (${answer.status})`, {
      kind: 'rejected',
      hint: 'check spark.livyUser and spark.livyPassword',
    });
  }
  if (answer.status >= 300 || answer.body === null || typeof answer.body !== 'object') {
    throw new SluiceError(`Livy at ${url} answered ${answer.status} ${messageOf(answer).slice(0, 80)}`, {
      kind: 'unavailable',
    });
  }
  return answer.body;
}
