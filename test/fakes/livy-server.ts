import { errorPage, FakeServer, type Login, pause, type Question, type Reply } from './http.ts';
import type { FakeSparkMaster } from './spark-master-server.ts';

/** The used fields of the body of POST /batches. */
export interface BatchRequest {
  readonly name?: string;
  readonly file?: string;
  readonly className?: string;
  readonly args?: readonly string[];
  readonly conf?: Readonly<Record<string, string>>;
}

/**
 * The work of a main class, or of the runner with a job description. Resolves on success, throws on failure, and stops
 * when the signal aborts.
 */
export type Driver = (request: BatchRequest, stop: AbortSignal, log: (line: string) => void) => Promise<void>;

/** The drivers of tests; any other class cannot be loaded. */
export const drivers: Readonly<Record<string, Driver>> = {
  Short: () => pause(20),
  Failing: async () => {
    await pause(20);
    throw new Error('it broke');
  },
  Long: (_request, stop) => new Promise((resolve) => stop.addEventListener('abort', () => resolve())),
};

interface Batch {
  readonly id: number;
  readonly name: string | null;
  state: 'starting' | 'running' | 'success' | 'dead';
  readonly log: string[];
  readonly stop: AbortController;
  ended: Promise<void>;
}

/** A phase of a driver; real ones take seconds. Milliseconds. */
const step = 5;
const known =
  /^(file|args|className|jars|pyFiles|files|driverMemory|driverCores|executorMemory|executorCores|numExecutors|archives|queue|name|conf|proxyUser)$/;
const longestArgument = 131_072;

/**
 * Apache Livy's REST API for batches, in front of a fake Spark master. test/contract/livy.ts checks its responses
 * against a real Livy. A name is taken until its batch is deleted. That includes a batch that was refused while it was
 * started: it stays listed as `starting`. A refused submission uses up an id.
 */
export class FakeLivy extends FakeServer {
  /** More concurrent drivers than this are refused. */
  maxRunning = 100;
  private readonly master: FakeSparkMaster;
  private readonly drivers: Readonly<Record<string, Driver>>;
  private batches: Batch[] = [];
  private nextId = 0;

  constructor(
    master: FakeSparkMaster,
    options: { readonly login?: Login; readonly drivers?: Readonly<Record<string, Driver>> } = {},
  ) {
    super(options.login);
    this.master = master;
    this.drivers = options.drivers ?? drivers;
  }

  /**
   * Kills Livy: connections are refused, batches are forgotten, ids restart at 0. Drivers and applications continue.
   */
  async crash(): Promise<void> {
    await this.close();
    this.batches = [];
    this.nextId = 0;
  }

  /** Accepts a batch as POST /batches does. */
  submit(request: BatchRequest): Reply {
    const { name, file } = request;
    if (this.batches.filter(({ state }) => state === 'running').length >= this.maxRunning)
      return refused('Rejected, too many sessions are being created!');
    const id = this.nextId++;
    if (name !== undefined && /^\d+$/.test(name)) return refused(`Invalid session name: ${name}`);
    if (name !== undefined && this.batches.some((each) => each.name === name))
      return refused(`Duplicate session name: Some(${name}) for session ${id}`);
    const batch: Batch = {
      id,
      name: name ?? null,
      state: 'starting',
      log: [],
      stop: new AbortController(),
      ended: pause(0),
    };
    this.batches.push(batch);
    if (file === undefined) return refused('requirement failed: File is required.');
    if (!/^[a-z]+:/.test(file) && !file.startsWith('/'))
      return refused(`requirement failed: Path '${file}' is not absolute.`);
    if (!file.startsWith('local:')) {
      const path = file.replace(/^file:/, '');
      return refused(`requirement failed: Local path ${path} cannot be added to user sessions.`);
    }
    if (request.args?.some((argument) => argument.length >= longestArgument))
      return {
        status: 500,
        body: '"java.io.IOException: Cannot run program \\"spark-submit\\": error=7, Argument list too long"',
      };
    const reply = { status: 201, body: this.shown(batch), headers: { location: `/batches/${id}` } };
    batch.ended = this.run(batch, request);
    return reply;
  }

  protected answer(question: Question): Reply | Promise<Reply> {
    const { method, path, query, headers, body } = question;
    if (method !== 'GET' && headers['x-requested-by'] === undefined)
      return errorPage(400, path, 'Missing Required Header for CSRF protection.');
    const [, top, key, part, more] = path.replace(/\/$/, '').split('/').map(decodeURIComponent);
    if (top !== 'batches' || more !== undefined) return { status: 404 };
    if (key === undefined) {
      if (method === 'GET') return this.list(query);
      return method === 'POST' ? this.post(body) : { status: 405 };
    }
    if (method !== 'GET' && method !== 'DELETE') return { status: 405 };
    const isId = /^\d+$/.test(key);
    if (isId && Number(key) > 0x7fff_ffff) return refused(`For input string: "${key}"`);
    const batch = this.batches.find((each) => (isId ? each.id === Number(key) : each.name === key));
    if (!batch) return { status: 404, body: { msg: `Session '${key}' not found.` } };
    if (method === 'DELETE') return this.remove(batch);
    if (part === 'state') return { status: 200, body: { id: batch.id, state: batch.state } };
    if (part === 'log') return logOf(batch, query);
    return { status: 200, body: this.shown(batch) };
  }

  private post(body: string): Reply {
    let request: unknown;
    try {
      request = JSON.parse(body);
    } catch {
      return {
        status: 400,
        body: JSON.stringify(`${body === '' ? 'No content to map due to' : 'Unexpected'} end-of-input`),
      };
    }
    if (typeof request !== 'object' || request === null || Array.isArray(request))
      return { status: 400, body: '"Cannot deserialize instance of `CreateBatchRequest`"' };
    const unknown = Object.keys(request).find((name) => !known.test(name));
    if (unknown !== undefined) return { status: 400, body: JSON.stringify(`Unrecognized field "${unknown}"`) };
    return this.submit(request);
  }

  private list(query: URLSearchParams): Reply {
    const [from, size] = [query.get('from') ?? '0', query.get('size') ?? '100'];
    const wrong = [from, size].find((each) => !/^-?\d+$/.test(each));
    if (wrong !== undefined) return refused(`For input string: "${wrong}"`);
    const [start, end] = [Number(from), Number(from) + Number(size)].map((at) => Math.max(0, at));
    const sessions = this.batches.slice(start, end).map((batch) => this.shown(batch));
    return { status: 200, body: { from: Number(from), total: this.batches.length, sessions } };
  }

  /** Responds when the driver has ended and the name is free. */
  private async remove(batch: Batch): Promise<Reply> {
    batch.stop.abort();
    await batch.ended;
    this.batches = this.batches.filter((each) => each !== batch);
    return { status: 200, body: { msg: 'deleted' } };
  }

  private async run(batch: Batch, request: BatchRequest): Promise<void> {
    const { stop, log } = batch;
    await pause(step);
    batch.state = 'running';
    await pause(step);
    const { className = '', args: [what = ''] = [] } = request;
    const driver = this.drivers[className] ?? this.drivers[what];
    if (!driver || stop.signal.aborted) {
      log.push(`Error: Failed to load class ${className}.`);
      batch.state = 'dead';
      return;
    }
    const application = this.master.register(request.conf?.['spark.app.name'] ?? className, () => stop.abort());
    let end: Batch['state'] = 'success';
    try {
      await driver(request, stop.signal, (line) => log.push(line));
      if (stop.signal.aborted) throw new Error('Job aborted due to stage failure: the application was killed');
    } catch (error) {
      log.push(`Exception in thread "main" ${error}`);
      end = 'dead';
    }
    this.master.unregister(application);
    // Livy polls its child processes.
    await pause(step);
    batch.state = end;
  }

  private shown({ id, name, state, log }: Batch): object {
    const appInfo = { driverLogUrl: null, sparkUiUrl: null };
    return { id, name, owner: null, proxyUser: null, state, appId: null, appInfo, log: lines(log).slice(-10) };
  }
}

const refused = (msg: string): Reply => ({ status: 400, body: { msg } });
const lines = (log: readonly string[]): string[] => ['stdout: ', ...log, '\nstderr: '];

function logOf({ id, log }: Batch, query: URLSearchParams): Reply {
  const all = lines(log);
  const size = Number(query.get('size') ?? 100);
  const from = Number(query.get('from') ?? -1);
  const start = from < 0 ? Math.max(0, all.length - size) : from;
  return { status: 200, body: { id, from: start, total: all.length, log: all.slice(start, start + size) } };
}
