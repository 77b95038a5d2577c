import { createHmac, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStore } from '../../controller/app/open-store.ts';
import { loadProject } from '../../controller/config/project.ts';
import { query, said, folder as stackFolder, start } from '../integration/world.ts';
import type { Comparison } from './compare.ts';
import { figure, quantile, times } from './limits.ts';

const secret = 'the secret of the bench';
const clockTicks = 100;

/** What a server has to bear. */
const load = { runs: 10_000, eventsOfRun: 40, pipelines: 50, triggersOfPipeline: 4, firings: 100_000 };

const triggersOf = (every: boolean): string =>
  every
    ? Array.from({ length: 20 }, (_, i) => `  s${i}: { schedule: "* * * * *", zone: UTC, with: { n: "${i}" } }`).join(
        '\n',
      )
    : `  nightly: { schedule: "0 3 * * *", zone: Europe/Moscow }
  regular: { every: 24h }
  arrivals: { files: one, poll: 10s }
  hook: { webhook: { signature: github, secret: "\${HOOK_SECRET}" } }`;

const pipelineOf = (name: string, every: boolean): string => `name: ${name}
sources: { one: { csv: data/*.csv, key: id, columns: { id: bigint } } }
branches: [{ name: all }]
steps:
  work: { engine: embedded, spark: { sql: work.sql }, outputs: [{ parquet: published/${name}, views: [total] }] }
triggers:
${triggersOf(every)}
`;

interface Served {
  readonly folder: string;
  readonly database: string;
}

/** A project of its own with these pipelines, in a database of its own. */
async function projectWith(pipelines: number, every: boolean): Promise<Served> {
  const database = `serve_${randomBytes(4).toString('hex')}`;
  const folder = join(stackFolder, '..', database);
  await query(`CREATE DATABASE ${database}`);
  const files: Record<string, string> = {
    'conf/connections.yaml': `store: { database: ${database} }
serve: { limits: { reads: { perSecond: 2000, burst: 4000 }, writes: { perSecond: 2000, burst: 4000 } } }\n`,
    'data/a.csv': 'id\n1\n',
    'work.sql': 'CREATE OR REPLACE TEMP VIEW total AS SELECT sum(id) AS total FROM one',
  };
  for (let i = 0; i < pipelines; i++) files[`conf/pipelines/p${i}.yaml`] = pipelineOf(`p${i}`, every);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  await (await openStore(await loadProject(folder))).close();
  return { folder, database };
}

/** Fills a store with ended runs and firings. */
async function fill({ folder, database }: Served): Promise<void> {
  const { name } = await loadProject(folder);
  const run = `'20250101-0000-' || lpad(to_hex(n), 4, '0')`;
  await query(
    `INSERT INTO runs (run, pipeline, project, state, branch, reason, started, ended, closed, swept, seq, at, quality, rows, trigger, measuring)
     SELECT ${run}, 'p' || n % ${load.pipelines}, '${name}', 'succeeded', 'all', 'only branch', 1.7e12::bigint + n * 1000,
       1.7e12::bigint + n * 1000 + 9000, now(), true, ${load.eventsOfRun}, 1.7e12::bigint + n * 1000 + 9000, 1, 1000, 'nightly', true
     FROM generate_series(1, ${load.runs}) n`,
    database,
  );
  await query(
    `INSERT INTO events (project, run, seq, at, body)
     SELECT '${name}', ${run}, seq, 1.7e12::bigint + n * 1000 + seq,
       CASE seq WHEN ${load.eventsOfRun} THEN json_build_object('type', 'run-ended', 'state', 'succeeded', 'reason', 'only branch')
         ELSE json_build_object('type', 'queue-left') END
     FROM generate_series(1, ${load.runs}) n, generate_series(1, ${load.eventsOfRun}) seq`,
    database,
  );
  await query(
    `INSERT INTO firings (project, pipeline, trigger, key, due, count, outcome, run)
     SELECT '${name}', 'p' || n % ${load.pipelines}, 'nightly', 'k' || n, 1.7e12::bigint + n * 1000, 1, 'started',
       '20250101-0000-' || lpad(to_hex(1 + n % ${load.runs}), 4, '0')
     FROM generate_series(1, ${load.firings}) n`,
    database,
  );
  await query('ANALYZE', database);
}

async function usage(pid: number): Promise<{ rssMb: number; cpuSeconds: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const [, , , , , , , , , , , user = '0', system = '0'] = (await readFile(`/proc/${pid}/stat`, 'utf8'))
    .replace(/^.*\) /, '')
    .split(' ');
  const rss = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
  return { rssMb: rss, cpuSeconds: (Number(user) + Number(system)) / clockTicks };
}

const transactions = async (database: string): Promise<number> =>
  Number((await query(`SELECT xact_commit FROM pg_stat_database WHERE datname = '${database}'`))[0]?.xact_commit);

/** A server with a long history. */
export interface LongServed extends Served {
  readonly url: string;
  readonly token: string;
  /** The variables that its pipelines need. */
  readonly env: Record<string, string>;
  readonly pid: number;
  /** Milliseconds from its start until it was ready. */
  readonly readyMs: number;
}

export async function longServed(): Promise<{ server: LongServed; stop: () => Promise<void> }> {
  const served = await projectWith(load.pipelines, false);
  await fill(served);
  const from = performance.now();
  const env = { HOOK_SECRET: secret };
  const args = ['serve', '--bind', '127.0.0.1:0', '--log-format', 'json', '--runs', '0'];
  const serving = start(args, env, served.folder);
  const stop = async (): Promise<void> => {
    serving.kill('SIGTERM');
    await serving;
  };
  try {
    const [, url = ''] = await said(serving, /"url":"(http[^"]+)"/);
    while (!(await fetch(`${url}/readyz`).catch(() => undefined))?.ok) await sleep(20);
    const readyMs = performance.now() - from;
    const { home } = await loadProject(served.folder);
    const token = (await readFile(join(home, 'secrets', 'api-token'), 'utf8')).trim();
    return { server: { ...served, url, token, env, pid: serving.pid as number, readyMs }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What `sluice serve` takes for requests, instants and nothing, with a long history. */
export async function* serveComparisons(): AsyncGenerator<Comparison> {
  const { server, stop } = await longServed();
  try {
    yield* requests(server);
  } finally {
    await stop();
  }
  yield* instants();
}

async function* requests({ database, url, token, pid, readyMs }: LongServed): AsyncGenerator<Comparison> {
  yield figure('serve: from its start to ready', readyMs, 1500, 'ms');
  const get = (path: string) => fetch(`${url}/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } });
  const paths = ['/runs', '/runs/20250101-0000-1000', '/triggers'];
  const any = (i: number) => get(paths[i % paths.length] as string);
  await times(20, 3, any);
  for (const path of paths) {
    const found = await times(20, 10, () => get(path));
    const shown = path.replace(/\/2025.*/, '/{run}');
    yield figure(`serve: GET ${shown} at 20 r/s, p50`, quantile(found, 0.5), 8, 'ms');
    yield figure(`serve: GET ${shown} at 20 r/s, p99`, quantile(found, 0.99), 40, 'ms');
  }
  yield figure('serve: reads at 200 r/s, p99', quantile(await times(200, 10, any), 0.99), 150, 'ms');
  const hook = (i: number) => {
    const body = JSON.stringify({ n: i });
    const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
    const headers = {
      'x-hub-signature-256': signature,
      'x-github-delivery': `d${i}`,
      'content-type': 'application/json',
    };
    return fetch(`${url}/hooks/p${i % load.pipelines}/hook`, { method: 'POST', headers, body });
  };
  yield figure('serve: a webhook to 202 at 20 r/s, p99', quantile(await times(20, 20, hook), 0.99), 50, 'ms');
  await sleep(5000);
  const [before, commits] = [await usage(pid), await transactions(database)];
  const seconds = 30;
  await sleep(seconds * 1000);
  const after = await usage(pid);
  yield figure(`serve: idle with ${load.pipelines * load.triggersOfPipeline} triggers, memory`, after.rssMb, 200, 'MB');
  const share = ((after.cpuSeconds - before.cpuSeconds) / seconds) * 100;
  yield figure('serve: idle, share of a core', share, 1, '%');
  yield figure('serve: idle, transactions', ((await transactions(database)) - commits) / seconds, 10, 'per s');
}

/** How long after they are due the runs of a thousand schedules are in the store, each with a run of its own. */
async function* instants(): AsyncGenerator<Comparison> {
  const served = await projectWith(load.pipelines, true);
  const serving = start(['serve', '--bind', '127.0.0.1:0', '--log-format', 'json', '--runs', '0'], {}, served.folder);
  try {
    // The first minute may be cut off by the start.
    const until = performance.now() + 200_000;
    const late = `SELECT extract(epoch FROM noted) * 1000 - due AS ms FROM firings WHERE outcome = 'started' AND due > (SELECT min(due) FROM firings)`;
    let rows: Awaited<ReturnType<typeof query>> = [];
    while (rows.length < load.pipelines * 20 && performance.now() < until) {
      await sleep(2000);
      rows = await query(late, served.database);
    }
    const found = rows.map(({ ms }) => Number(ms));
    const what = `serve: an instant of ${load.pipelines * 20} schedules to its run`;
    yield figure(`${what}, p50`, quantile(found, 0.5), 1000, 'ms');
    yield figure(`${what}, p99`, quantile(found, 0.99), 1500, 'ms');
  } finally {
    serving.kill('SIGTERM');
    await serving;
  }
}
