import { createHmac } from 'node:crypto';
import { newToken } from '../../controller/app/access/token.ts';
import { newRunName } from '../../controller/app/new-run.ts';
import { calendarOf } from '../../controller/app/triggers/calendar.ts';
import { Looks } from '../../controller/app/triggers/looks.ts';
import { triggerOperations } from '../../controller/app/triggers/operations.ts';
import { namedTriggers } from '../../controller/app/triggers/overview.ts';
import { promisesOf } from '../../controller/app/views/promises.ts';
import { serveSchema } from '../../controller/config/serve.ts';
import type { RunEvent } from '../../controller/domain/events.ts';
import type { Entry, RunStore } from '../../controller/domain/ports/store.ts';
import type { Scope } from '../../controller/domain/ports/tokens.ts';
import { rejected } from '../../controller/lib/errors.ts';
import type { LogFields, Logger } from '../../controller/lib/logger.ts';
import type { LoadedPipeline } from '../../controller/pipeline/loader.ts';
import { type AppOptions, httpApp } from '../../controller/server/app.ts';
import { knownHosts } from '../../controller/server/doors/origin.ts';
import type { Api } from '../../controller/server/http/api.ts';
import { LoopLag } from '../../controller/server/metrics/loop-lag.ts';
import { RequestTimes, storeTimes } from '../../controller/server/metrics/request-times.ts';
import { FeedHub } from '../../controller/server/streams/hub.ts';
import { memoryStores } from '../fakes/store.ts';
import { good, load } from '../pipeline/files.ts';

process.env.TEST_HOOK_SECRET ??= 'the secret of a sender';
/** A request of the sender of a hook, as `ask` takes it. */
export const signedBy = (body: string) => ({
  as: null,
  body,
  headers: {
    'content-type': 'application/json',
    'x-hub-signature-256': `sha256=${createHmac('sha256', process.env.TEST_HOOK_SECRET ?? '')
      .update(body)
      .digest('hex')}`,
  },
});
export const owner = 'host/place/1/2/abc';

/** The pipelines that the server knows. */
export async function pipelinesOf(...names: string[]): Promise<LoadedPipeline[]> {
  const pipeline = await load(good);
  const triggers = {
    nightly: { schedule: '0 6 * * *', zone: 'Europe/Moscow', missed: 'last', within: '24h' },
    hook: {
      webhook: { signature: 'github', secret: '${TEST_HOOK_SECRET}', tolerance: '5m' },
      window: '5m',
      whilePaused: 'keep',
    },
  };
  return names.map((name) => ({
    file: `conf/pipelines/${name}.yaml`,
    text: '',
    pipeline: { ...pipeline, name, triggers },
  }));
}

/** Services of a fake controller: runs are created and not executed. */
export function fakeApi(store: RunStore, pipelines: readonly LoadedPipeline[], more: Partial<Api> = {}): Api {
  const watched = pipelines.map((loaded) => {
    const { file, pipeline } = loaded;
    return { name: pipeline.name, file, version: '1', loaded, problem: undefined };
  });
  return {
    project: 'project',
    version: '1.2.3',
    store,
    hub: new FeedHub(store),
    requests: new RequestTimes(),
    storeTimes: storeTimes(),
    loopLag: new LoopLag(),
    looks: new Looks(),
    channels: ['email', 'slack'],
    now: () => Date.now(),
    owner: () => owner,
    pipelines: async () => pipelines,
    watched: async () => watched,
    triggers: triggerOperations(store, more.watched ?? (async () => watched), {} as never),
    calendar: async (range) => calendarOf(store, namedTriggers(await (more.watched ?? (async () => watched))()), range),
    async start({ file, pipeline }, { again, retries, cause, idempotencyKey }) {
      const run = newRunName(new Date());
      const of = { ...(again && { again }), ...(retries && { retries }) };
      const event = { type: 'run-started' as const, run, pipeline, file, ...of, cause };
      const { lease, isNew } = await store.create({
        run,
        pipeline: pipeline.name,
        at: Date.now(),
        events: [event],
        ...(idempotencyKey !== undefined && { idempotencyKey }),
      });
      const existing = await store.find(lease.run);
      if (existing?.pipeline !== pipeline.name)
        throw rejected(`the key has started run ${lease.run} of another pipeline`);
      return { run: lease.run, isNew };
    },
    freeOrphan: async () => undefined,
    repair: async (_state, _source, csv) => (csv.length > 10 ? 1 : 0),
    plan: async () => Promise.reject(rejected('database shop cannot be reached')),
    lineage: async () => ({ run: 'r', events: [] }),
    logLines: async () => ['one', 'two'],
    fileOfRun: async (_run, uri) => uri,
    promises: async () => promisesOf(store, await (more.watched ?? (async () => watched))()),
    gateway: async () => ({ problem: undefined }),
    services: async () => [{ name: 'livy', state: 'up', url: 'http://127.0.0.1:8998', pid: null }],
    ...more,
  };
}

export interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields | undefined;
}

/** A log that keeps its lines. */
export function memoryLogger(): Logger & { readonly lines: Line[] } {
  const lines: Line[] = [];
  return { lines, log: (level, message, fields) => lines.push({ level, message, fields }) };
}

/** Limits that tests do not meet by accident. */
export const generous = { reads: { perSecond: 1e6, burst: 1e6 }, writes: { perSecond: 1e6, burst: 1e6 } };

type Given = Partial<AppOptions> & {
  readonly store?: RunStore;
  readonly pipelines?: readonly LoadedPipeline[];
  readonly serve?: object;
  readonly more?: Partial<Api>;
};

/** A server without a socket, over a store in memory. */
export async function world(given: Given = {}) {
  const store = given.store ?? given.api?.store ?? memoryStores(() => Date.now())({ name: 'project' });
  const api = given.api ?? fakeApi(store, given.pipelines ?? (await pipelinesOf('alpha', 'beta')), given.more);
  const logger = memoryLogger();
  const settings = serveSchema.parse({ limits: generous, ...given.serve });
  await store.heartbeat(owner, 3_600_000);
  const app = httpApp({ isKnownHost: knownHosts('127.0.0.1', 8811, settings.hosts), logger, settings, ...given, api });
  const token = async (scopes: readonly Scope[], pipelines: readonly string[] = ['*'], of: object = {}) => {
    const made = newToken({ name: scopes.join('+'), scopes, pipelines, by: 'test' }, Date.now());
    await store.addToken({ ...made.token, ...of });
    return made.text;
  };
  const admin = await token(['admin']);
  const ask = async (
    method: string,
    path: string,
    { as = admin, headers = {}, body }: { as?: string | null; headers?: Record<string, string>; body?: unknown } = {},
  ): Promise<Response> =>
    app.request(`http://127.0.0.1:8811${path}`, {
      method,
      headers: {
        host: '127.0.0.1:8811',
        ...(as !== null && { authorization: `Bearer ${as}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  const get = (path: string, more: Parameters<typeof ask>[2] = {}) => ask('GET', path, more);
  /** A run with these events, as an executing controller would leave it. */
  const run = async (pipeline = 'alpha', events: readonly RunEvent[] = [], entry: Partial<Entry> = {}) => {
    const [loaded] = await pipelinesOf(pipeline);
    const name = newRunName(new Date());
    const cause = { kind: 'command', by: 'me@here' };
    const first = { type: 'run-started' as const, run: name, pipeline: loaded?.pipeline as never, file: 'f', cause };
    const { lease } = await store.create({ run: name, pipeline, at: Date.now(), events: [first] });
    await store.append(lease, 1, Date.now(), { events, ...entry });
    return { name, lease };
  };
  return { app, api, store, logger, token, admin, ask, get, run };
}

/** The parts of answers that tests use. */
export interface Answer {
  readonly run: string;
  readonly state: string;
  readonly cause: object;
  readonly retries: object | null;
  readonly hint: string;
  readonly detail: string;
  readonly instance: string;
  readonly type: string;
  readonly title: string;
  readonly errors: readonly { readonly pointer: string; readonly message: string }[];
  readonly items: readonly {
    readonly run: string;
    readonly pipeline: string;
    readonly seq: number;
    readonly position: number;
    readonly row: number;
  }[];
  readonly next: string | null;
  readonly token: string;
  readonly id: string;
  readonly plan: string;
  readonly problem: string | null;
}
export const json = async (response: Response): Promise<Answer> => (await response.json()) as Answer;

/** A run that has ended. */
export const finished = {
  events: [{ type: 'run-ended', state: 'failed', reason: 'so it goes' }] as const,
  entry: { summary: { state: 'failed', reason: 'so it goes', ended: Date.now() } },
};
