import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { csvReader } from '../../controller/adapters/sources/csv/csv.ts';
import { csvSource } from '../../controller/adapters/sources/csv/driver.ts';
import { fileStorage as storage } from '../../controller/adapters/storage/file/file.ts';
import { type Duck, openDuck } from '../../controller/clients/duckdb.ts';
import type { Project } from '../../controller/config/project.ts';
import type { Source } from '../../controller/domain/pipeline.ts';
import type { Profile } from '../../controller/domain/profile.ts';
import { type RunnerResult, runnerResultSchema } from '../../controller/domain/result.ts';
import { duckType } from '../../controller/snapshot/snapshot.ts';
import { classArchives } from '../../controller/stack/archive.ts';
import { javaBinary, opens } from '../../controller/stack/java.ts';
import { madeHome, sparkEnv } from '../../controller/stack/spark.ts';
import { mismatches } from '../mismatches.ts';
import { type Case, randomCase } from './cases.ts';

/** The differences of a case; empty when both engines agree. */
export interface Outcome {
  readonly seed: number;
  readonly problems: readonly string[];
  readonly rows: number;
}

const checkout = join(import.meta.dirname, '../..');
const jars = ['spark-runner.jar', 'spark-runner-tests.jar'].map((jar) => join(checkout, 'spark-jobs/target', jar));

/**
 * Computes the marts of random cases twice: by the runner on Spark, and by DuckDB from the intended rows. Compares them
 * as multisets. Spark reads every other case from CSV, the others from a snapshot.
 */
export async function differential(
  project: Project,
  { seed, cases, log }: { seed: number; cases: number; log: (line: string) => void },
): Promise<Outcome[]> {
  const folder = join(project.home, 'differential');
  await rm(folder, { recursive: true, force: true });
  const prepared: Prepared[] = [];
  for (let i = 0; i < cases; i++) prepared.push(await prepare(randomCase(seed + i), join(folder, String(seed + i))));
  log(`${cases} cases measured, from seed ${seed} on; Spark computes their marts`);
  await runOnSpark(project, folder);
  const outcomes: Outcome[] = [];
  for (const each of prepared) outcomes.push(await compare(each));
  return outcomes;
}

/** Runs all jobs below a folder in one local Spark. */
export async function runOnSpark(project: Project, folder: string): Promise<void> {
  const spark = madeHome(project.root);
  // Made with a class path that begins as this one does.
  const archive = classArchives(project)?.driver;
  await execa(
    javaBinary(),
    [
      ...[
        ...opens,
        '-Xmx2g',
        '-XX:+UseSerialGC',
        '-XX:TieredStopAtLevel=1',
        '-XX:ReservedCodeCacheSize=512m',
        ...(archive === undefined ? [] : [`-XX:SharedArchiveFile=${archive}`]),
        '-Duser.timezone=UTC',
      ],
      ...['-cp', [join(spark, 'conf/'), join(spark, 'jars', '*'), ...jars].join(':')],
      'sluice.runner.ManyJobs',
      folder,
    ],
    { env: sparkEnv(project), stdin: 'ignore' },
  );
}

export interface Prepared {
  readonly of: Case;
  readonly folder: string;
  readonly profiles: Readonly<Record<string, Profile>>;
}

/** CSV files need no connection. */
const nowhere = {} as Project;

/** Writes and measures the sources of a case, and its job description. */
export async function prepare(of: Case, folder: string, kept = of.seed % 2 === 0): Promise<Prepared> {
  const profiles: Record<string, Profile> = {};
  const inputs: object[] = [];
  for (const { name, columns, csv } of of.sources) {
    await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, name, 'a.csv'), csv);
    const source = {
      csv: `${name}/*.csv`,
      key: 'id',
      columns: Object.fromEntries(columns.map(({ name: column, ...rest }) => [column, rest])),
    } as Source;
    const snapshots = kept ? { storage, folder: join(folder, 'kept'), maximumBytes: 1e9 } : undefined;
    const profile = await csvReader({ root: folder, storage, scratch: join(folder, 'scratch'), snapshots }).profile(
      name,
      source,
    );
    profiles[name] = profile;
    const { pin } = profile;
    const unkept = { name, source, pin, partitions: 2 };
    inputs.push(pin.kept ? { name, kind: 'kept', ...pin.kept } : (csvSource.input?.(unkept, nowhere).input ?? {}));
  }
  const job = {
    key: `case-${of.seed}`,
    result: join(folder, 'result.json'),
    quarantine: join(folder, 'quarantine'),
    sql: of.sql,
    partitions: 2,
    inputs,
    outputs: of.views.map((view) => ({ view, kind: 'parquet', place: join(folder, 'marts', view) })),
  };
  await writeFile(join(folder, 'job.json'), JSON.stringify(job));
  return { of, folder, profiles };
}

async function compare({ of, folder, profiles }: Prepared): Promise<Outcome> {
  const problems: string[] = [];
  for (const { name, valid, invalid, repeated } of of.sources) {
    const { measures } = profiles[name] as Profile;
    const meant = `${valid.length} valid, ${invalid} invalid, ${repeated} repeated`;
    const found = `${measures.valid} valid, ${measures.invalid} invalid, ${measures.duplicates} repeated`;
    if (found !== meant) problems.push(`${name}: measured ${found}; meant were ${meant}`);
  }
  const result = runnerResultSchema.parse(JSON.parse(await readFile(join(folder, 'result.json'), 'utf8')));
  if (result.error) problems.push(`Spark, while ${result.error.phase}: ${result.error.message.split('\n', 1)[0]}`);
  problems.push(...unlikeMeasured(result, profiles));
  const duck = await openDuck(join(folder, 'scratch'), [folder]);
  let rows = 0;
  try {
    await oracle(duck, of);
    if (problems.length === 0)
      for (const view of of.views) {
        const { missing, surplus, rows: n } = await mismatches(duck, view, join(folder, 'marts', view));
        rows += n;
        if (missing + surplus > 0)
          problems.push(`${view}: ${missing} rows are missing and ${surplus} too many, of ${n}`);
      }
  } finally {
    await duck.close();
  }
  if (problems.length === 0) await rm(folder, { recursive: true });
  return { seed: of.seed, problems, rows };
}

function unlikeMeasured({ inputs }: RunnerResult, profiles: Prepared['profiles']): string[] {
  return inputs.flatMap(({ name, reasons }) => {
    const measured = profiles[name]?.measures.invalidByReason ?? {};
    const all = [...new Set([...Object.keys(reasons), ...Object.keys(measured)])];
    return all
      .filter((reason) => reasons[reason] !== measured[reason])
      .map(
        (reason) => `${name}: "${reason}" ${reasons[reason] ?? 0} times for Spark, ${measured[reason] ?? 0} for DuckDB`,
      );
  });
}

async function oracle(duck: Duck, { sources, sql }: Case): Promise<void> {
  for (const { name, columns, valid } of sources) {
    const types = columns.map((column) => `${column.name} ${duckType(column).replace('TIMESTAMPTZ', 'TIMESTAMP')}`);
    await duck.run(`CREATE TABLE ${name} (${types.join(', ')})`);
    if (valid.length > 0) await duck.run(`INSERT INTO ${name} VALUES ${valid.join(', ')}`);
  }
  await duck.run(sql);
}
