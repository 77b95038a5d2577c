import type { BatchJob } from './port.ts';

const jvm = {
  quick: '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC',
  steady: '-XX:+UseParallelGC',
} as const;

/** The Spark properties a job is submitted with. The key is the application's name, so that Spark itself can find it. */
export function sparkConf(job: BatchJob, key: string): Record<string, string> {
  const { settings } = job;
  // Spark splits these options as a shell does, so that a path with a space must be quoted.
  const properties = Object.entries(job.properties).map(([name, value]) => `"-D${name}=${value}"`);
  const options = [jvm[settings.profile], ...properties].join(' ');
  return {
    'spark.sql.ansi.enabled': 'true',
    'spark.sql.session.timeZone': 'UTC',
    'spark.sql.shuffle.partitions': String(settings.partitions),
    'spark.default.parallelism': String(settings.partitions),
    'spark.cores.max': String(settings.executors * settings.executorCores),
    'spark.driver.extraJavaOptions': options,
    'spark.executor.extraJavaOptions': options,
    ...settings.conf,
    'spark.app.name': key,
  };
}
