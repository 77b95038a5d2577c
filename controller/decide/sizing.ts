import type { SparkJob } from '../pipeline/schema.ts';

/** What a step's Spark application is given. Memory as Spark writes it (`2g`). */
export interface SparkSettings {
  readonly executors: number;
  readonly executorCores: number;
  readonly executorMemory: string;
  readonly driverMemory: string;
  readonly partitions: number;
  readonly profile: JvmProfile;
  readonly conf: Readonly<Record<string, string>>;
}

/** `quick` compiles less and starts sooner; `steady` is the JVM's own way, better for long work. */
export type JvmProfile = 'quick' | 'steady';

/** Cores that the cluster can give, and memory that one executor can have. */
export interface Cluster {
  readonly cores: number;
  readonly executorMemory: string;
  /** What one executor, or the driver, may have at most: a worker's memory, in MiB. */
  readonly largestMb: number;
}

/** Measured on 2 cores: C1 alone makes a job of 1,000,000 rows 1.7 times as fast and one of 10,000,000 slower. */
const quickBelowRows = 4_000_000;
/** Rows a shuffle partition, so that a task takes about a second of one core. */
const rowsPerPartition = 500_000;

/** The settings for a step that reads `rows` rows; what the pipeline says itself wins. */
export function sizeJob(job: SparkJob, rows: number, cluster: Cluster): SparkSettings {
  const cores = Math.max(1, job.executorCores ?? cluster.cores);
  return {
    executors: job.executors ?? 1,
    executorCores: cores,
    executorMemory: job.executorMemory ?? cluster.executorMemory,
    driverMemory: job.driverMemory ?? '1g',
    partitions: Math.max(cores, Math.ceil(rows / rowsPerPartition)),
    profile: rows < quickBelowRows ? 'quick' : 'steady',
    conf: job.conf ?? {},
  };
}

/** MiB of a size as Spark writes it: `512m`, `2g`. */
export const mebibytes = (size: string): number =>
  Number.parseInt(size, 10) * (size.toLowerCase().endsWith('g') ? 1024 : 1);

/**
 * Settings for another try after memory ran out: twice as much for driver or executors, up to the cluster's largest; when
 * an executor has that already, fewer cores share it. Undefined when nothing is left to give.
 */
export function moreMemory(
  settings: SparkSettings,
  side: 'driver' | 'executor',
  { largestMb }: Pick<Cluster, 'largestMb'>,
): { readonly settings: SparkSettings; readonly remedy: string } | undefined {
  const name = side === 'driver' ? 'driverMemory' : 'executorMemory';
  const before = settings[name];
  const mb = Math.min(largestMb, 2 * mebibytes(before));
  if (mb > mebibytes(before)) {
    const remedy = `${side} memory ${mb}m instead of ${before}${mb === largestMb ? ', the most this cluster gives' : ''}`;
    return { settings: { ...settings, [name]: `${mb}m` }, remedy };
  }
  if (side === 'driver' || settings.executorCores === 1) return undefined;
  const executorCores = Math.floor(settings.executorCores / 2);
  return {
    settings: { ...settings, executorCores, partitions: settings.partitions * 2 },
    remedy: `${executorCores} instead of ${settings.executorCores} tasks at once share an executor's ${before}`,
  };
}
