import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { pgpass } from '../../controller/adapters/runner/job.ts';
import { jdbcUrl, postgresAddress } from '../../controller/config/addresses.ts';
import { madeHome, masterUrl, sparkEnv } from '../../controller/stack/spark.ts';
import { folder, login, main, project, query, type RunDocument, sluiceJson, write } from '../integration/world.ts';
import { watchMemory } from './memory.ts';
import type { Peaks } from './peaks.ts';

const checkout = join(import.meta.dirname, '../..');
const report = 'conf/pipelines/customer-report.yaml';
const seconds = (from: number): number => (performance.now() - from) / 1000;

/** The duration of a command in seconds. Throws its output when it fails. */
export async function timed(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<number> {
  const from = performance.now();
  await execa(command, args, { cwd: folder, env, stdin: 'ignore' });
  return seconds(from);
}

/** Who wrote a plain job: an engineer on the first day, a good one with some days, an expert of Spark. */
export const authors = ['defaults', 'fair', 'expert'] as const;
export type Author = (typeof authors)[number];

/** The settings with which each submits the job, on a cluster of two cores. */
const settings: Readonly<Record<Author, readonly string[]>> = {
  defaults: [],
  fair: ['spark.sql.shuffle.partitions=8'],
  expert: [
    ...['spark.sql.adaptive.enabled=false', 'spark.sql.shuffle.partitions=2', 'spark.ui.enabled=false'],
    ...['driver', 'executor'].map(
      (side) => `spark.${side}.extraJavaOptions=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Duser.timezone=UTC`,
    ),
  ],
};

/** The duration in seconds of a plain job by spark-submit. */
export async function plain(kind: 'noop' | 'count' | 'report', author: Author = 'defaults'): Promise<number> {
  const own = await project();
  const address = postgresAddress(own, { database: 'shop' });
  const passfile = join(own.home, 'bench.pgpass');
  await writeFile(passfile, pgpass([address]), { mode: 0o600 });
  const sql = ['order_changes', 'customer_marts'].map((name) => join(checkout, 'spark-jobs/sql', `${name}.sql`));
  const sources = [join(folder, 'data/deliveries/*.csv'), jdbcUrl(address), address.user, ...own.endpoints.kafka];
  const rest = kind === 'noop' ? [] : [...sources, 'order-events'];
  return timed(
    join(madeHome(own.root), 'bin/spark-submit'),
    [
      ...['--master', masterUrl(own), '--class', `sluice.bench.${author === 'defaults' ? 'PlainJobs' : 'TunedJobs'}`],
      ...(kind === 'noop' ? [] : settings[author].flatMap((setting) => ['--conf', setting])),
      // The class that checks the login of the driver's UI.
      ...['--driver-class-path', join(checkout, 'spark-jobs/target/spark-runner.jar')],
      ...['--conf', `spark.executorEnv.PGPASSFILE=${passfile}`],
      join(checkout, 'spark-jobs/target/spark-runner-tests.jar'),
      ...[author === 'defaults' ? kind : author, ...rest],
      ...(kind === 'report' ? [join(folder, 'data/plain'), ...sql] : []),
    ],
    { ...sparkEnv(own), PGPASSFILE: passfile },
  );
}

/** The durations of a Sluice run in seconds, and the peak memory of its controller in MiB. */
export interface Run {
  readonly whole: number;
  readonly spark: number;
  readonly measuring: number;
  readonly memory: number;
  readonly doc: RunDocument;
}

/** Runs a pipeline on all its rows, and watches the memory of all its processes. */
export async function watchedRun(file: string): Promise<Run & { readonly peaks: Peaks }> {
  let watched: ReturnType<typeof watchMemory> | undefined;
  try {
    const done = await run(file, (pid) => {
      watched = watchMemory(pid);
    });
    const { timeline = [] } = done.doc;
    const between = (from: number, to: number) => watched?.peaks(from, to) ?? {};
    const [measuring] = timeline.filter(({ what }) => what === 'measuring').map(timesOf);
    const jobs = done.doc.steps.flatMap(({ attempts }) => attempts).filter(({ ended }) => ended !== null);
    const [job] = jobs.map(({ started, ended }) => [Date.parse(started), Date.parse(ended ?? '')] as const);
    const [publishing] = timeline.filter(({ what }) => what.endsWith('publishing')).map(timesOf);
    if (!measuring || !job || !publishing) throw new Error(`${file}: the timeline lacks a part`);
    const peaks = {
      measuring: between(...measuring),
      job: between(...job),
      publishing: between(...publishing),
      report: between(publishing[1], Date.now()),
    };
    return { ...done, peaks };
  } finally {
    watched?.stop();
  }
}

const timesOf = ({ from, ms }: { from: string; ms: number | null }): readonly [number, number] => [
  Date.parse(from),
  Date.parse(from) + (ms ?? Number.NaN),
];

/** Runs a pipeline on all its rows. `started` is told the process. */
export async function run(file: string, started: (pid: number) => void = () => undefined): Promise<Run> {
  const from = performance.now();
  const child = execa(process.execPath, [main, 'run', file, '--full-refresh', '--json'], {
    cwd: folder,
    stdin: 'ignore',
  });
  if (child.pid !== undefined) started(child.pid);
  let memory = 0;
  const watch = setInterval(async () => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
    memory = Math.max(memory, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
  }, 100);
  try {
    const { stdout } = await child;
    const whole = seconds(from);
    const { run: name } = JSON.parse(stdout) as RunDocument;
    const { doc } = await sluiceJson('show', name);
    const spark = doc.steps
      .flatMap((step) => step.attempts)
      .reduce((sum, { started, ended }) => sum + span(started, ended), 0);
    const measured = doc.timeline?.find(({ what }) => what.startsWith('measur'));
    return { whole, spark, measuring: (measured?.ms ?? Number.NaN) / 1000, memory, doc };
  } finally {
    clearInterval(watch);
  }
}

const span = (from: string, to: string | null): number => (Date.parse(to ?? '') - Date.parse(from)) / 1000;

export const runReport = (): Promise<Run> => run(report);

/** The same pipeline on the embedded engine, with places of its own for its results. */
export const runEmbedded = async (): Promise<Run> => run(await variant('embedded-report', { engine: 'embedded' }));

/** Writes customer-report with other settings, and places of its own for its results. Returns its file. */
export async function variant(
  name: string,
  { engine, executorMemory, timeout = '30m' }: { engine: string; executorMemory?: string; timeout?: string },
): Promise<string> {
  const memory = executorMemory === undefined ? '' : `executorMemory: ${executorMemory}, `;
  const text = (await readFile(join(checkout, report), 'utf8'))
    .replace('name: customer-report', `name: ${name}`)
    .replaceAll('data/published/customer-report', `data/published/${name}`)
    .replaceAll('schema: marts', `schema: ${name.replaceAll('-', '_')}`)
    .replaceAll('timeout: 30m', `timeout: ${timeout}`)
    .replace(/^ {4}spark: \{ /gm, `    engine: ${engine}\n    spark: { ${memory}`)
    .replace(/^ {4}spark:$/gm, `    engine: ${engine}\n    spark:`);
  return write(`conf/pipelines/${name}.yaml`, text);
}

/** Fills the sources with this many rows. */
export async function fill(rows: number): Promise<void> {
  await execa(process.execPath, [main, 'demo-data', '--rows', String(rows), '--json'], {
    cwd: folder,
    stdin: 'ignore',
  });
  await query('CREATE SCHEMA IF NOT EXISTS plain');
}

/** Writes a pipeline of sequential steps, each of which sums a range. Returns its file. */
export async function sums(name: string, steps: number): Promise<string> {
  await write('data/one/a.csv', 'id\n1\n');
  await write('sql/sum.sql', 'CREATE OR REPLACE TEMP VIEW total AS SELECT sum(id) AS total FROM range(1000)');
  const step = (i: number): string =>
    `  sum-${i}:\n    spark: { sql: sql/sum.sql, inputs: [] }\n${i === 0 ? '' : `    needs: [sum-${i - 1}]\n`}    outputs: [{ parquet: data/published/${name}-${i}, views: [total] }]\n`;
  return write(
    `conf/pipelines/${name}.yaml`,
    `name: ${name}\nsources:\n  one: { csv: data/one/*.csv, key: id, columns: { id: bigint } }\nbranches:\n  - { name: all }\nsteps:\n${Array.from({ length: steps }, (_, i) => step(i)).join('')}`,
  );
}

/** Watches Livy during some work. Returns the lifetime of each batch by its name, as Livy reports it. Seconds. */
export async function livyTimes(work: () => Promise<unknown>): Promise<Map<string, number>> {
  const { endpoints } = await project();
  const headers = await login();
  const seen = new Map<string, { from: number; to?: number }>();
  let going = true;
  const look = async (): Promise<void> => {
    while (going) {
      const answer = await fetch(`${endpoints.livy}/batches?from=0&size=1000`, { headers });
      const { sessions } = (await answer.json()) as { sessions: { name: string | null; state: string }[] };
      const now = performance.now();
      for (const { name, state } of sessions) {
        if (name === null) continue;
        const known = seen.get(name) ?? { from: now };
        seen.set(name, known);
        if (known.to === undefined && (state === 'success' || state === 'dead')) known.to = now;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const looking = look();
  try {
    await work();
  } finally {
    going = false;
    await looking;
  }
  return new Map([...seen].flatMap(([name, { from, to }]) => (to === undefined ? [] : [[name, (to - from) / 1000]])));
}
