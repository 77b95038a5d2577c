import { existsSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ClassArchives } from '../adapters/backends/livy/spark-conf.ts';
import { openDuck } from '../clients/duckdb.ts';
import type { Project } from '../config/project.ts';
import { inherited, sparkHome } from '../lib/env.ts';
import { materialize, own } from '../snapshot/snapshot.ts';
import { manifestName } from './jars.ts';
import { checkJava } from './java.ts';
import { waitUntil } from './process.ts';
import { localSparkConf, madeHome, masterUrl, sparkEnv } from './spark.ts';

/**
 * The AppCDS archives of the stack's Spark, if they exist and fit. A JVM loads parsed and verified classes from them, so that
 * Spark starts in about half the time. An archive that is older than the jars is not used. The JVM checks its own version.
 */
export function classArchives({ root }: Project): ClassArchives | undefined {
  if (sparkHome !== undefined) return undefined;
  const home = madeHome(root);
  const archives = paths(home);
  const fetched = changed(join(home, 'jars', manifestName)) ?? Number.POSITIVE_INFINITY;
  const fit = Object.values(archives).every((archive) => (changed(archive) ?? 0) > fetched);
  return fit ? archives : undefined;
}

/** The time of the last change of a file, in milliseconds; undefined where there is none. */
const changed = (file: string): number | undefined => statSync(file, { throwIfNoEntry: false })?.mtimeMs;

const paths = (folder: string): ClassArchives => ({
  driver: join(folder, 'driver.jsa'),
  executor: join(folder, 'executor.jsa'),
});

/** How long an executor may take to write its archive after the application has ended. Milliseconds. */
const dumpTimeoutMs = 120_000;

/**
 * Builds the archives with a small job on the cluster that does typical work: reads a snapshot with invalid rows, joins,
 * groups, writes views that read each other as Parquet and CSV. Returns false when that fails; the stack works without archives, too.
 */
export async function makeArchives(project: Project, jar: string): Promise<boolean> {
  await checkJava();
  const scratch = join(project.home, 'tmp', String(process.pid));
  await mkdir(scratch, { recursive: true });
  const folder = await mkdtemp(join(scratch, 'archive-'));
  const fresh = paths(folder);
  const events = join(folder, 'events');
  try {
    await mkdir(events);
    const file = await writeJob(folder);
    const dump = (archive: string): string =>
      `-XX:ArchiveClassesAtExit=${archive} -XX:TieredStopAtLevel=1 -XX:+UseSerialGC`;
    const conf = {
      ...localSparkConf(project),
      'spark.eventLog.dir': pathToFileURL(events).href,
      'spark.app.name': 'sluice-class-archive',
      'spark.cores.max': '1',
      'spark.executor.memory': '512m',
      'spark.driver.memory': '512m',
      'spark.driver.extraJavaOptions': dump(fresh.driver),
      'spark.executor.extraJavaOptions': dump(fresh.executor),
    };
    const flags = Object.entries(conf).flatMap(([name, value]) => ['--conf', `${name}=${value}`]);
    const submit = join(madeHome(project.root), 'bin', 'spark-submit');
    const args = [
      '--master',
      masterUrl(project),
      ...flags,
      '--class',
      'sluice.runner.Runner',
      jar.replace(/^local:/, ''),
      file,
    ];
    // Loaded here, because most commands start no process.
    const { execa } = await import('execa');
    const { failed } = await execa(submit, args, {
      reject: false,
      extendEnv: false,
      env: { ...inherited, ...sparkEnv(project) },
      timeout: 300_000,
    });
    if (failed || !(await waitUntil(async () => existsSync(fresh.executor), dumpTimeoutMs))) return false;
    // The JVM writes the file at once, at its end. Wait for the last bytes to reach the disk.
    await waitUntil(async () => false, 1000, 500);
    const own = paths(madeHome(project.root));
    await rename(fresh.executor, own.executor);
    await rename(fresh.driver, own.driver);
    return true;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeJob(folder: string): Promise<string> {
  const duck = await openDuck(join(folder, 'duck'), []);
  try {
    const rows = `(SELECT i AS id, i % 7 AS kind, 'text ' || i AS note, TIMESTAMPTZ '2026-01-01' AS at, 1.5::DECIMAL(10,2) AS amount, if(i % 100 = 0, 'id: missing', NULL) AS ${own.reason}, if(i % 100 = 0, 'raw', NULL) AS ${own.raw} FROM range(1000) r(i))`;
    const { file: made, columns } = await materialize(duck, 'rows', rows);
    const path = join(folder, 'rows.parquet');
    await rename(made, path);
    const sql = `CREATE OR REPLACE TEMP VIEW grouped AS
        SELECT kind, count(*) AS n, sum(amount) AS total, max_by(note, at) AS last, date_trunc('day', max(at)) AS day FROM rows GROUP BY kind;
      CREATE OR REPLACE TEMP VIEW joined AS
        SELECT r.id, r.note, g.n, g.total, coalesce(g.last, '') AS last, row_number() OVER (PARTITION BY r.kind ORDER BY r.id) AS place
        FROM rows r LEFT JOIN grouped g ON g.kind = r.kind;
      CREATE OR REPLACE TEMP VIEW summed AS
        SELECT j.last, count(DISTINCT j.id) AS n, CAST(sum(CASE WHEN a.total > 1 THEN a.total ELSE 0 END) AS decimal(18, 2)) AS total
        FROM joined j JOIN (SELECT /*+ MERGE(x) */ x.id, x.total FROM joined x JOIN rows y ON x.id = y.id) a ON a.id = j.id
        GROUP BY j.last`;
    const job = {
      key: 'sluice-class-archive',
      result: join(folder, 'result.json'),
      quarantine: join(folder, 'quarantine'),
      sql,
      partitions: 2,
      inputs: [{ name: 'rows', kind: 'kept', paths: [path], columns }],
      outputs: ['parquet', 'csv'].flatMap((kind) =>
        ['joined', 'summed'].map((view) => ({ view, kind, place: join(folder, `${view}.${kind}`) })),
      ),
    };
    await mkdir(folder, { recursive: true });
    const file = join(folder, 'job.json');
    await writeFile(file, JSON.stringify(job));
    return file;
  } finally {
    await duck.close();
  }
}
