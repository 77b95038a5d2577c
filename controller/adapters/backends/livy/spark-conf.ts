import type { BatchJob } from '../../../domain/ports/backend.ts';

/** Class archives as driver and executors find them. */
export interface ClassArchives {
  readonly driver: string;
  readonly executor: string;
}

const jvm = {
  quick: '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC',
  steady: '-XX:+UseParallelGC',
} as const;

/** The Spark properties a job is submitted with. The key is the application's name, so that Spark itself can find it. */
function sparkConf(job: BatchJob, key: string, archives?: ClassArchives): Record<string, string> {
  const { settings } = job;
  // A JVM for which an archive does not fit goes on without it.
  const from = (archive: string | undefined): string[] =>
    archive === undefined ? [] : [`"-XX:SharedArchiveFile=${archive}"`, '-Xlog:disable'];
  // Spark splits these options as a shell does, so that a path with a space must be quoted.
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
    ...settings.conf,
    // Where conf/ allows a pipeline options of its own, they come after ours.
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

/** What a batch is submitted with. */
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
