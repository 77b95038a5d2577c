import type { SparkJob } from '../domain/pipeline.ts';
import type { Cluster, SparkSettings } from '../domain/plan.ts';

/** The measured input of a job. */
export interface Load {
  readonly rows: number;
  readonly bytes: number;
}

/** Settings, with the reason for each as a sentence for people. */
export interface Sized {
  readonly settings: SparkSettings;
  readonly why: Readonly<Record<string, string>>;
}

/** Measured on 2 cores: C1 alone makes a job of 1,000,000 rows 1.7 times as fast and one of 10,000,000 slower. */
const quickBelowRows = 4_000_000;
/** Rows per shuffle partition, so that a task takes about a second of one core. */
const rowsPerPartition = 500_000;
/** Joined, grouped and cached rows take about ten times the bytes of their source. */
const heapPerByte = 10;
const smallestMb = 1024;
/** With more cores in one JVM they wait for each other, if there is another worker to use. */
const coresPerJvm = 5;
/** The part of a driver's memory that a broadcast table may take, by its size on disk. */
const broadcastShare = 1 / 64;
/** The usable part of a worker's memory; the rest is for others and for memory outside the heap. */
export const usableShare = 0.8;

const n = (value: number): string => Math.round(value).toLocaleString('en').replaceAll(',', ' ');
const setInPipeline = 'set in the pipeline';

/** The settings for a step with this input, and the reason for each. Values in the pipeline take precedence. Pure. */
export function sizeJob(job: SparkJob, { rows, bytes }: Load, cluster: Cluster): Sized {
  const why: Record<string, string> = {};
  const choose = <T>(name: string, own: T | undefined, value: T, reason: string): T => {
    why[name] = own === undefined ? reason : setInPipeline;
    return own ?? value;
  };
  const cores = Math.max(1, cluster.cores);
  const free = cluster.busy
    ? `all ${cores} cores of the cluster are busy; it waits for them`
    : `the cluster has ${cores} free cores`;
  const mb = bytes / 2 ** 20;
  const most = Math.max(256, Math.floor(cluster.largestMb * usableShare));
  const wanted = Math.ceil((smallestMb + mb * heapPerByte) / 256) * 256;
  const input = `${n(rows)} rows in ${n(mb)} MB`;
  const memory =
    wanted > most
      ? `${input} would need ${wanted}m; capped at ${most}m, what a worker has`
      : `${smallestMb} MB and ${heapPerByte} times the input, ${input}`;

  const byRows = Math.ceil(rows / rowsPerPartition);
  const { workers = [cores] } = cluster;
  const together = workers.length === 1;
  const each = Math.max(1, Math.min(Math.max(...workers), together ? cores : coresPerJvm));
  const room = workers.reduce((sum, own) => sum + Math.floor(own / each), 0);
  const enough = Math.ceil(byRows / (2 * each));
  const executors = choose(
    'executors',
    job.executors,
    Math.max(1, Math.min(room, enough)),
    together
      ? 'one worker: a JVM that has all its cores shuffles without a network'
      : enough > room
        ? `all that ${workers.length} workers have room for, with ${each} cores each`
        : `two tasks of ${n(rowsPerPartition)} rows for each of their ${each} cores`,
  );
  const executorCores = choose(
    'executorCores',
    job.executorCores,
    each,
    together ? free : `${free}, on ${workers.length} workers; at most ${coresPerJvm} in one JVM`,
  );
  const executorMemory = choose('executorMemory', job.executorMemory, `${Math.min(most, wanted)}m`, memory);
  const driverMemory = choose(
    'driverMemory',
    job.driverMemory,
    '1g',
    'results stay in the cluster; the driver only plans',
  );
  const slots = executors * executorCores;
  const partitions = Math.max(slots, byRows);
  why.partitions =
    byRows > slots
      ? `${n(rows)} rows at ${n(rowsPerPartition)} each`
      : `one a core; ${n(rows)} rows would need ${Math.max(1, byRows)}`;
  const small = rows < quickBelowRows;
  const compared = `${n(rows)} rows ${small ? 'is under' : 'is not under'} ${n(quickBelowRows)}`;
  why.profile = compared;
  const adaptive = 'spark.sql.adaptive.enabled';
  const broadcast = 'spark.sql.autoBroadcastJoinThreshold';
  const sent = Math.max(10, Math.floor(mebibytes(driverMemory) * broadcastShare));
  const conf = { [adaptive]: String(!small), [broadcast]: `${sent}m`, ...job.conf };
  why.broadcast =
    job.conf?.[broadcast] === undefined
      ? `a smaller table is sent to every executor: 1/64 of the driver’s ${driverMemory}, and 10 MB at least`
      : setInPipeline;
  why.adaptive =
    job.conf?.[adaptive] === undefined
      ? `${compared}: adaptive replanning at each stage ${small ? 'costs more than it saves' : 'pays'}`
      : setInPipeline;
  const profile = small ? 'quick' : 'steady';
  return { settings: { executors, executorCores, executorMemory, driverMemory, partitions, profile, conf }, why };
}

/** Why no worker could ever start such an executor; undefined when one could, or the workers are unknown. */
export function tooLarge({ executorMemory, executorCores }: SparkSettings, cluster: Cluster): string | undefined {
  const { largestCores, largestMb } = cluster;
  if (largestCores === undefined) return undefined;
  if (mebibytes(executorMemory) > largestMb)
    return `executor memory ${executorMemory} exceeds the largest worker (${largestMb} MB)`;
  if (executorCores > largestCores)
    return `${executorCores} executor cores exceed the largest worker (${largestCores} cores)`;
  return undefined;
}

/** MiB of a size as Spark writes it: `512m`, `2g`. */
export const mebibytes = (size: string): number =>
  Number.parseInt(size, 10) * (size.toLowerCase().endsWith('g') ? 1024 : 1);

/**
 * Settings for a retry after memory ran out: twice the memory for driver or executors, up to the cluster's largest.
 * When an executor already has that, fewer cores share it. Undefined when nothing is left to give.
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
    const remedy = `${side} memory ${mb}m instead of ${before}${mb === largestMb ? ', the most this cluster has' : ''}`;
    return { settings: { ...settings, [name]: `${mb}m` }, remedy };
  }
  if (side === 'driver' || settings.executorCores === 1) return undefined;
  const executorCores = Math.floor(settings.executorCores / 2);
  return {
    settings: { ...settings, executorCores, partitions: settings.partitions * 2 },
    remedy: `${executorCores} instead of ${settings.executorCores} tasks at once share an executor's ${before}`,
  };
}
