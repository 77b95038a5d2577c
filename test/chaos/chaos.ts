import { pickWeighted, type Random, randomOf } from '../../controller/demo/random.ts';
import { pause, pidOf, processesWith, query, sluice, start, write } from '../integration/world.ts';
import { Controllers } from './controllers.ts';
import { runOf, stepOf, Witness } from './witness.ts';

export interface ChaosOptions {
  readonly kills: number;
  readonly seed: number;
  readonly log: (line: string) => void;
}

/** The promises, which must have zero violations, with the faults that were injected. */
export interface ChaosTable {
  readonly broken: Readonly<Record<string, readonly string[]>>;
  readonly runs: number;
  readonly applications: number;
  readonly attemptsBeyondFirst: number;
  readonly mailsRepeated: number;
  readonly faults: Readonly<Record<string, number>>;
}

const pipelines = ['chaos_a', 'chaos_b', 'chaos_embedded'];
const rows = 300;
/** How long all runs may take to end after the last fault. Milliseconds. */
const settleWithin = 600_000;

/** Runs short pipelines while it kills and stops their controllers and all dependencies at random. */
export async function chaos({ kills, seed, log }: ChaosOptions): Promise<ChaosTable> {
  const random = randomOf(seed, 'chaos');
  const witness = new Witness(pipelines, rows);
  const files = await prepare(witness);
  const faults: Record<string, number> = {};
  const startedRuns = new Set<string>();
  const controllers = new Controllers(random, log);
  let striking = true;
  const looking = (async () => {
    while (striking) {
      await witness.look();
      await pause(400);
    }
  })();
  controllers.open();
  const feeding = files.map((file) => feed(file, random, () => striking, controllers, startedRuns));
  for (let n = 1; n <= kills; n++) {
    await pause(800 + random() * 4000);
    const what = await injectFault(random, controllers);
    faults[what] = (faults[what] ?? 0) + 1;
    log(`${String(n).padStart(4)} of ${kills}: ${what}`);
  }
  striking = false;
  await Promise.all([...feeding, looking]);
  await sluice('up');
  const settled = await settle(witness, startedRuns);
  await controllers.close();
  log(settled ? 'all runs have ended' : 'not all runs have ended');
  return verdict(witness, startedRuns, faults);
}

async function prepare(witness: Witness): Promise<string[]> {
  await query(
    'CREATE TABLE IF NOT EXISTS chaos_orders AS SELECT i AS id, i % 7 AS kind FROM generate_series(1, 300) i',
  );
  await witness.prepare();
  await write(
    'data/chaos/a.csv',
    `id,note\n${Array.from({ length: rows }, (_, i) => `${i + 1},note ${i}`).join('\n')}\n`,
  );
  await write(
    'sql/chaos.sql',
    `CREATE OR REPLACE TEMP VIEW result AS SELECT f.id, f.note, o.kind, (
       SELECT count(slept) FROM (SELECT java_method('java.lang.Thread', 'sleep', 2000L) AS slept FROM range(0, 2, 1, 2))) AS n
     FROM files f JOIN orders o ON o.id = f.id`,
  );
  await write(
    'sql/chaos_embedded.sql',
    `CREATE OR REPLACE TEMP VIEW busy AS SELECT count(*) AS n
       FROM files a CROSS JOIN files b CROSS JOIN (SELECT note FROM files WHERE id < 150) c
       WHERE md5(concat(a.note, b.note, c.note)) = 'never';
     CREATE OR REPLACE TEMP VIEW result AS SELECT f.id, f.note, o.kind, busy.n
       FROM files f JOIN orders o ON o.id = f.id CROSS JOIN busy`,
  );
  const job = 'executorCores: 1, executorMemory: 512m, driverMemory: 512m';
  const work = (name: string): string =>
    name === 'chaos_embedded'
      ? `{ sql: sql/${name}.sql, ${job} }\n    engine: embedded`
      : `{ sql: sql/chaos.sql, ${job} }`;
  return Promise.all(
    pipelines.map((name) =>
      write(
        `conf/pipelines/${name}.yaml`,
        `name: ${name.replace('_', '-')}
sources:
  files: { csv: data/chaos/*.csv, key: id, columns: { id: bigint, note: string } }
  orders: { postgres: shop, table: chaos_orders, key: id }
branches: [{ name: all }]
steps:
  chaos:
    spark: ${work(name)}
    outputs:
      - { postgres: shop, schema: ${name}, views: [result] }
      - { parquet: data/published/${name}, views: [result] }
    retry: { maximumAttempts: 30, initialInterval: 1s, maximumInterval: 5s, patience: 1h }
notify:
  - { email: team@example.org, on: [succeeded, degraded, failed, skipped, cancelled] }
`,
      ),
    ),
  );
}

/** Starts runs of a pipeline one after the other: with their own controllers, or detached for the serving ones. */
async function feed(
  file: string,
  random: Random,
  goesOn: () => boolean,
  controllers: Controllers,
  startedRuns: Set<string>,
): Promise<void> {
  while (goesOn()) {
    const child = start(['run', file, ...(random() < 0.5 ? ['--detach'] : [])]);
    controllers.keep(child);
    const note = (chunk: Buffer): void => {
      for (const [, run] of chunk.toString().matchAll(/(\d{8}-\d{6}-[0-9a-f]{4})/g)) if (run) startedRuns.add(run);
    };
    child.stdout?.on('data', note);
    await child;
    await pause(500 + random() * 5000);
  }
}

/** Kills or stops one target. Restarts it if it must not stay away. */
async function injectFault(random: Random, controllers: Controllers): Promise<string> {
  const target = pickWeighted(random, [
    ['controller', 5],
    ['livy', 2],
    ['spark-worker', 1],
    ['driver', 2],
    ['process', 2],
    ['mailbox', 1],
    ['postgres', 1],
  ] as const);
  const stops = random() < 0.35 && target !== 'postgres';
  const pids = await pidsOf(target, controllers);
  const pid = pids[Math.floor(random() * pids.length)];
  if (pid === undefined) return `${target}: none there`;
  const hit = (signal: NodeJS.Signals): void => {
    try {
      process.kill(pid, signal);
    } catch {
      // It has just ended by itself.
    }
  };
  if (stops) {
    hit('SIGSTOP');
    await pause(500 + random() * (target === 'controller' ? 14_000 : 5000));
    hit('SIGCONT');
    return `${target} stopped`;
  }
  hit('SIGKILL');
  if (!['controller', 'driver', 'process'].includes(target)) {
    await pause(random() * 4000);
    await sluice('up');
  }
  return `${target} killed`;
}

async function pidsOf(target: string, controllers: Controllers): Promise<number[]> {
  if (target === 'controller') return controllers.alive.flatMap((child) => child.pid ?? []);
  if (target === 'driver') return processesWith('java', 'SparkSubmit', 'sluice-');
  if (target === 'process') return processesWith('embedded-worker');
  const pid = await pidOf(target).catch(() => undefined);
  return pid ? [pid] : [];
}

/** Waits until every started run has a mail, and no application is alive. */
async function settle(witness: Witness, startedRuns: ReadonlySet<string>): Promise<boolean> {
  const deadline = Date.now() + settleWithin;
  while (Date.now() < deadline) {
    const mailed = new Set((await witness.mails()).map((mail) => mail.run));
    const keys = (await witness.applications()).map((app) => app.key);
    if ([...startedRuns].every((run) => mailed.has(run)) && (await witness.alive(keys)).length === 0) return true;
    await pause(1000);
  }
  return false;
}

async function verdict(
  witness: Witness,
  startedRuns: Set<string>,
  faults: Record<string, number>,
): Promise<ChaosTable> {
  const [apps, mails, publications, overlapping] = await Promise.all([
    witness.applications(),
    witness.mails(),
    witness.publications(),
    witness.overlapping(),
  ]);
  for (const run of [...apps.map((app) => runOf(app.key)), ...mails.map((mail) => mail.run)])
    if (run) startedRuns.add(run);
  const of = (run: string) => mails.filter((mail) => mail.run === run);
  const publishedBy = (run: string) => publications.filter((each) => runOf(each.key) === run);
  const runs = [...startedRuns];
  const succeeded = runs.filter((run) => /is ready/.test(of(run)[0]?.subject ?? ''));
  const distinct = (run: string): number => new Set(of(run).map((mail) => `${mail.id}\n${mail.text}`)).size;
  const steps = new Set(apps.map((app) => stepOf(app.key)));
  return {
    broken: {
      'runs lost or stuck': runs.filter((run) => of(run).length === 0),
      'runs that did not succeed': runs
        .filter((run) => of(run).length > 0 && !succeeded.includes(run))
        .map((run) => `${run}: ${of(run)[0]?.text.slice(0, 600)}`),
      'steps with two applications alive at the same time': overlapping,
      'results published twice or half': [
        ...runs
          .filter((run) => publishedBy(run).length > 1)
          .map((run) => `${run}: ${JSON.stringify(publishedBy(run))}`),
        ...witness.halves,
      ],
      'successes that published nothing': succeeded.filter((run) => publishedBy(run).length === 0),
      'events without a mail': [...new Set(publications.map((each) => runOf(each.key)))].filter(
        (run) => run !== undefined && of(run).length === 0,
      ),
      'events with two different mails': runs.filter((run) => distinct(run) > 1),
    },
    runs: runs.length,
    applications: apps.length,
    attemptsBeyondFirst: apps.length - steps.size,
    mailsRepeated: mails.length - new Set(mails.map((mail) => mail.id)).size,
    faults,
  };
}

/** The closing table, as lines. */
export function tableLines({ broken, faults, ...counts }: ChaosTable): string[] {
  const line = (n: number, what: string): string => `${String(n).padStart(6)}  ${what}`;
  return [
    line(counts.runs, 'runs'),
    line(counts.applications, 'Spark applications'),
    line(counts.attemptsBeyondFirst, 'of them further attempts'),
    line(counts.mailsRepeated, 'mails that came again under the same Message-ID'),
    ...Object.entries(faults)
      .sort()
      .map(([what, n]) => line(n, what)),
    'must be zero:',
    ...Object.entries(broken).map(([what, cases]) => line(cases.length, what)),
    ...Object.entries(broken).flatMap(([what, cases]) => cases.map((each) => `${what}: ${each}`)),
  ];
}
