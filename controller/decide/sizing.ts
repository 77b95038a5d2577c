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
