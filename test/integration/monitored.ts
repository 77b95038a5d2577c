import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { postgresStore } from '../../controller/adapters/store/postgres/store.ts';
import { postgresAddress } from '../../controller/config/addresses.ts';
import { stackLogin } from '../../controller/config/login.ts';
import type { RunStore } from '../../controller/domain/ports/store.ts';
import { failing, heldFile, pipelineTexts } from './monitored-files.ts';
import { TcpProxy } from './proxy.ts';
import { ownProject } from './servers.ts';
import { project, query, folder as stackFolder, start } from './world.ts';

/** A project of two folders, as on two machines, whose store and Livy can go away, and all that can go wrong in it. */

export const name = 'monitored-project';
const other = join(dirname(stackFolder), `${name}-elsewhere`);
const owner = 'a/test/1/1/abc';
const hourMs = 3_600_000;
/** A name of a file that has all that a label must escape. */
const odd = 'od"d\\ {file}\nof two lines';

/** Something that goes wrong, and gets well again. */
export interface Case {
  readonly alert: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly begin?: () => Promise<unknown>;
  readonly end?: () => Promise<unknown>;
}

export class Monitored {
  readonly storeProxy: TcpProxy;
  private readonly livyProxy: TcpProxy;
  private readonly api: Server;
  private readonly hook: Server;
  private readonly refusing: Server;
  private hookPort = 0;
  private asked = 0;
  private runs = 0;
  private instants = 0;
  private database = '';
  private store: RunStore | undefined;
  readonly folders: string[] = [];
  /** What commands and servers of the project need of the environment. */
  readonly env: Record<string, string> = {};

  constructor(ports: { readonly postgres: number; readonly livy: number }) {
    this.storeProxy = new TcpProxy(ports.postgres);
    this.livyProxy = new TcpProxy(ports.livy);
    this.api = createServer((_, answer) => {
      this.asked += 1;
      answer.writeHead(this.asked > failing ? 200 : 503, { 'content-type': 'application/json' }).end('{}');
    });
    this.hook = createServer((_, answer) => answer.writeHead(202).end());
    this.refusing = createServer((_, answer) => answer.writeHead(403).end('no'));
  }

  async open(): Promise<void> {
    await Promise.all([this.storeProxy.open(), this.livyProxy.open()]);
    const [api, hook, refusing] = await Promise.all(
      [this.api, this.hook, this.refusing].map((each) => listening(each)),
    );
    this.hookPort = hook ?? 0;
    await closed(this.hook);
    this.instants = Date.now() + 40_000;
    const texts = Object.entries(pipelineTexts(heldFile(this.instants), `http://127.0.0.1:${api}/`)).map(
      ([pipeline, text]) => [`conf/pipelines/${pipeline}.yaml`, `name: ${pipeline}\n${text}`] as const,
    );
    const own = await ownProject(name, {
      'data/good/a.csv': 'id,note\n1,one\n2,two\n',
      'data/invalid/a.csv': 'id,note\n1,one\n2,two\nx,three\n',
      'data/arriving/a.csv': 'id,note\n1,one\n',
      'good.sql': 'CREATE OR REPLACE TEMP VIEW result AS SELECT count(*) AS n FROM one',
      'rows.sql': 'CREATE OR REPLACE TEMP VIEW result AS SELECT count(*) AS n FROM rows',
      'bad.sql': 'CREATE OR REPLACE TEMP VIEW result AS SELECT CAST(note AS int) AS n FROM one',
      ...Object.fromEntries(texts),
    });
    this.database = own.database;
    this.folders.push(own.folder, other);
    const all = await project();
    const address = postgresAddress(all, { database: own.database });
    const { user, password } = stackLogin(all.home) ?? { user: '', password: '' };
    Object.assign(this.env, { STORE_PW: address.password ?? '', LIVY_PW: password });
    const connections = `project: ${name}
store: { url: "postgres://${address.user}@127.0.0.1:${this.storeProxy.port}/${own.database}", password: "\${STORE_PW}" }
postgres: { own: { database: ${own.database} } }
spark: { livy: "http://127.0.0.1:${this.livyProxy.port}", livyUser: ${user}, livyPassword: "\${LIVY_PW}" }
webhook: { ops: { url: "http://127.0.0.1:${this.hookPort}/", secret: "whsec_${Buffer.from('a key of more than twenty-four bytes').toString('base64')}" } }
slack: { ops: { hook: "http://127.0.0.1:${refusing}/" } }
`;
    await rm(other, { recursive: true, force: true });
    for (const folder of this.folders) await put(folder, 'conf/connections.yaml', connections);
    for (const [path, text] of texts) await put(other, path, text);
    for (const sql of ['good', 'rows', 'bad'])
      await put(other, `${sql}.sql`, await readFile(join(own.folder, `${sql}.sql`), 'utf8'));
    await query('CREATE TABLE looked AS SELECT 1 AS id', own.database);
    this.store = await postgresStore(address, { name });
    // It owns the runs that it creates, so that no server takes them over.
    await this.store.heartbeat(owner, hourMs);
  }

  async close(): Promise<void> {
    await this.store?.close();
    await Promise.allSettled([this.storeProxy.close(), this.livyProxy.close()]);
    await Promise.allSettled([this.api, this.hook, this.refusing].map(closed));
  }

  /** A run of the terminal. */
  private async run(pipeline: string): Promise<void> {
    await start(['run', `conf/pipelines/${pipeline}.yaml`], this.env, this.folders[0]);
  }

  /** A run in the store that has not ended, or has with this state; so long ago. */
  private async stored(pipeline: string, state?: string, agoMs = 0, trigger?: string): Promise<void> {
    this.runs += 1;
    const run = `run-${this.runs}`;
    const at = Date.now() - agoMs;
    const store = this.store as RunStore;
    const made = await store.create({
      run,
      pipeline,
      at,
      events: [],
      owner,
      ...(trigger !== undefined && { trigger }),
    });
    if (state !== undefined) await this.endOf(made.lease, state, at);
    else this.ending.push(() => this.endOf(made.lease, 'succeeded', Date.now()));
  }
  private readonly ending: (() => Promise<void>)[] = [];

  private async endOf(
    lease: Awaited<ReturnType<RunStore['create']>>['lease'],
    state: string,
    at: number,
  ): Promise<void> {
    const events = [{ type: 'run-ended', state, reason: 'so it goes' } as never];
    await (this.store as RunStore).append(lease, 0, at, { events, summary: { state, ended: at } });
  }

  /** A file of the first folder, or of both. */
  private async write(path: string, text: string, both = false): Promise<void> {
    for (const folder of both ? this.folders : this.folders.slice(0, 1)) await put(folder, path, text);
  }

  /** The first one lasts through everything. */
  cases(): readonly Case[] {
    const store = this.store as RunStore;
    const held = (text: string, both: boolean) => this.write('conf/pipelines/held.yaml', `name: held\n${text}`, both);
    const arrivals = { pipeline: 'stopped', trigger: 'arrivals' };
    return [
      {
        ...{ alert: 'RunFailed', labels: { pipeline: 'lasting' } },
        begin: () => this.stored('lasting', 'failed'),
        end: () => this.stored('lasting', 'succeeded'),
      },
      {
        ...{ alert: 'TriggerHeld', labels: { pipeline: 'held' } },
        begin: () => held(heldFile(this.instants, 'description: another one here\n'), false),
        end: () => held(heldFile(undefined), true),
      },
      { alert: 'ScheduleLate', labels: { pipeline: 'held', trigger: 'minutely' } },
      {
        ...{ alert: 'RunFailed', labels: { pipeline: 'fails' } },
        begin: () => this.run('fails'),
        end: async () => {
          await this.write('bad.sql', 'CREATE OR REPLACE TEMP VIEW result AS SELECT note AS n FROM one', true);
          await this.run('fails');
        },
      },
      { alert: 'OutboxStuck', labels: { channel: 'webhook' }, end: () => listening(this.hook, this.hookPort) },
      { alert: 'MessagesRefused', labels: { channel: 'slack' } },
      {
        ...{ alert: 'QuarantineHigh', labels: { pipeline: 'invalid', source: 'one' } },
        begin: () => this.run('invalid'),
        end: async () => {
          await this.write('data/invalid/a.csv', 'id,note\n1,one\n2,two\n3,three\n');
          await this.run('invalid');
        },
      },
      { alert: 'RetriesBurning', labels: { pipeline: 'retried' }, begin: () => this.run('retried') },
      {
        ...{ alert: 'TriggerFailing', labels: { pipeline: 'looked', trigger: 'newer' } },
        begin: () => query('ALTER TABLE looked RENAME TO hidden', this.database),
        end: () => query('ALTER TABLE hidden RENAME TO looked', this.database),
      },
      {
        ...{ alert: 'TriggerStopped', labels: arrivals },
        begin: async () => {
          for (let i = 0; i < 2; i++) await this.stored('stopped', 'failed', 0, 'arrivals');
          await this.write('data/arriving/b.csv', 'id,note\n2,two\n');
        },
        end: () => store.resume(arrivals),
      },
      {
        ...{ alert: 'RunFailed', labels: { pipeline: 'stopped' } },
        end: () => this.stored('stopped', 'succeeded'),
      },
      {
        ...{ alert: 'PipelineBroken', labels: { pipeline: odd } },
        begin: () => this.write(`conf/pipelines/${odd}.yaml`, 'name: [x'),
        end: () => rm(join(this.folders[0] ?? '', `conf/pipelines/${odd}.yaml`)),
      },
      {
        ...{ alert: 'QueueStuck', labels: { pipeline: 'queued' } },
        begin: () => this.stored('queued', undefined, 31_000),
        end: async () => {
          for (const end of this.ending) await end();
        },
      },
      {
        ...{ alert: 'GatewayAway', labels: { gateway: 'spark' } },
        begin: () => this.livyProxy.close(),
        end: () => this.livyProxy.open(),
      },
      {
        ...{ alert: 'PromiseBroken', labels: { pipeline: 'late', promise: 'fresh' } },
        begin: () => this.stored('late', 'succeeded', 2 * hourMs),
        end: () => this.stored('late', 'succeeded'),
      },
      {
        ...{ alert: 'PromiseAtRisk', labels: { pipeline: 'nearly', promise: 'fresh' } },
        begin: () => this.stored('nearly', 'succeeded', 0.9 * hourMs),
        end: () => this.stored('nearly', 'succeeded'),
      },
    ];
  }
}

/** Listens on a free port, or on this one. */
const listening = (server: Server, port = 0): Promise<number> =>
  new Promise((resolve) => {
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

async function put(folder: string, path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
}
