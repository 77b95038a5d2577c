import type { BatchJob } from '../../../domain/ports/backend.ts';

/** Paths of the AppCDS archives on driver and executors. */
export interface ClassArchives {
  readonly driver: string;
  readonly executor: string;
}

const jvm = {
  quick: '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC',
  steady: '-XX:+UseParallelGC',
} as const;

/** Compressing the cached rows of a small job costs a tenth of its CPU time; rows that do not fit go to disk. */
const cache = {
  quick: { 'spark.sql.inMemoryColumnarStorage.compressed': 'false' },
  steady: {},
} as const;

/** The Spark properties of a job. Its key becomes the name of the application, by which Spark can find it. */
function sparkConf(job: BatchJob, key: string, archives?: ClassArchives): Record<string, string> {
  const { settings } = job;
  // A JVM ignores an archive that does not fit.
  const from = (archive: string | undefined): string[] =>
    archive === undefined ? [] : [`"-XX:SharedArchiveFile=${archive}"`, '-Xlog:disable'];
  // Spark splits these options like a shell, so paths with spaces need quotes.
  const files = job.secretFiles.map(({ property, path }) => [property, path] as const);
  const properties = [...Object.entries(job.properties), ...files].map(([name, value]) => `"-D${name}=${value}"`);
  const options = (archive: string | undefined): string =>
    [jvm[settings.profile], ...from(archive), ...properties].join(' ');
  return {
    'spark.sql.ansi.enabled': 'true',
    'spark.sql.session.timeZone': 'UTC',
    'spark.sql.shuffle.partitions': String(settings.partitions),
    'spark.default.parallelism': String(settings.partitions),
    'spark.cores.max': String(settings.executors * settings.executorCores),
    ...cache[settings.profile],
    ...settings.conf,
    // Options that conf/ allows a pipeline to set follow Sluice's own.
    ...Object.fromEntries(
      (['driver', 'executor'] as const).map((process) => {
        const name = `spark.${process}.extraJavaOptions`;
        return [name, [options(archives?.[process]), settings.conf[name] ?? []].flat().join(' ')];
      }),
    ),
    ...Object.fromEntries(Object.entries(job.labels).map(([name, value]) => [`spark.sluice.${name}`, value])),
    'spark.app.name': key,
  };
}

/** The body of a batch submission. */
export function batchRequest(
  job: BatchJob,
  key: string,
  {
    jar,
    conf,
    archives,
  }: { jar: () => string; conf?: Readonly<Record<string, string>>; archives?: () => ClassArchives | undefined },
): object {
  const { settings } = job;
  return {
    name: key,
    file: jar(),
    className: 'sluice.runner.Runner',
    args: [job.spec],
    driverMemory: settings.driverMemory,
    executorMemory: settings.executorMemory,
    executorCores: settings.executorCores,
    numExecutors: settings.executors,
    conf: { ...conf, ...sparkConf(job, key, archives?.()) },
  };
}
