import { randomBytes } from 'node:crypto';
import { openDuck } from '../clients/duckdb.ts';
import type { Pipeline, Step } from '../domain/pipeline.ts';
import type { Cluster, Profiles } from '../domain/plan.ts';
import type { BatchBackend } from '../domain/ports/backend.ts';
import type { Uri } from '../domain/ports/storage.ts';
import type { RunStore } from '../domain/ports/store.ts';
import type { Snapshot } from '../domain/profile.ts';
import { edgeRows } from '../embedded/edges.ts';
import { columnsOf } from '../embedded/execute.ts';
import { below } from '../lib/uri.ts';
import { sizeEmbedded } from '../planning/engine.ts';
import { sizeJob } from '../planning/sizing.ts';
import { materialize, writeSnapshot } from '../snapshot/snapshot.ts';
import { compareViews, placeOf, runCompared } from './comparisons.ts';
import { jobOf } from './engine-facts.ts';
import { type Adapters, snapshotsIn } from './wiring.ts';

/** What `sluice prove` found for a step. */
export interface Proved {
  readonly step: string;
  /** `refused`: the embedded engine cannot compute it. `failed`: Spark could not. */
  readonly outcome: 'proven' | 'different' | 'refused' | 'failed';
  /** One sentence each. */
  readonly details: readonly string[];
  /** Compared rows of all views, of the measured and of the generated inputs. */
  readonly rows: number;
}

export interface ProveOptions {
  readonly backends: { readonly backend: BatchBackend; readonly embedded: BatchBackend };
  readonly store: RunStore;
  /** A folder in the shared storage for inputs and results. */
  readonly folder: Uri;
  readonly cluster: Cluster;
  readonly machine: Cluster;
  /** Why to stop, once there is a reason. */
  readonly stopped: () => string | undefined;
  readonly log: (line: string) => void;
}

/** Computes a step on both engines: from its measured inputs, and from generated ones. Records what was found. */
export async function proveStep(
  adapters: Adapters,
  name: string,
  step: Step,
  pipeline: Pipeline,
  profiles: Profiles,
  options: ProveOptions,
): Promise<Proved> {
  const { store, log } = options;
  const job = await jobOf(adapters, step, pipeline, profiles);
  if (job.problem !== undefined) return { step: name, outcome: 'refused', details: [job.problem], rows: 0 };
  const views = [...new Set(step.outputs.flatMap((output) => output.views))];
  let rows = 0;
  const differences: string[] = [];
  for (const kind of ['measured', 'generated'] as const) {
    const folder = below(options.folder, name, kind);
    const inputs = kind === 'measured' ? job.inputs : await generated(adapters, job, pipeline, folder);
    log(`${name}: Spark and the embedded engine compute ${views.join(', ')} from ${kind} inputs`);
    const found = await both(adapters, step, { ...job, inputs }, views, folder, options);
    if ('failed' in found) {
      // What fails for both alike says nothing of their results.
      if (kind === 'generated' && found.alike) {
        log(`${name}: both fail on generated inputs: ${found.failed}`);
        continue;
      }
      if (found.by === 'spark' && kind === 'measured')
        return { step: name, outcome: 'failed', details: [`Spark: ${found.failed}`], rows };
      const who = found.by === 'spark' ? 'Spark' : 'the embedded engine';
      differences.push(`${kind} inputs: only ${who} fails: ${found.failed}`);
      continue;
    }
    rows += found.rows;
    differences.push(...found.problems.map((problem) => `${kind} inputs: ${problem}`));
  }
  if (rows === 0 && differences.length === 0)
    return { step: name, outcome: 'failed', details: ['the views have no rows to compare'], rows };
  const [difference] = differences;
  await store.compared({ pair: job.pair, by: 'prove', ...(difference === undefined ? {} : { difference }) });
  return { step: name, outcome: difference === undefined ? 'proven' : 'different', details: differences, rows };
}

type Job = Awaited<ReturnType<typeof jobOf>>;
type Found =
  | { readonly rows: number; readonly problems: readonly string[] }
  | { readonly failed: string; readonly by: 'spark' | 'embedded'; readonly alike: boolean };

async function both(
  { context }: Adapters,
  { spark }: Step,
  { sql, inputs, load }: Job,
  views: readonly string[],
  folder: Uri,
  { backends, cluster, machine, stopped }: ProveOptions,
): Promise<Found> {
  if (!spark) throw new TypeError('it is no Spark step');
  const { storage } = context;
  const of = async (engine: 'spark' | 'embedded') => {
    const { settings } = engine === 'spark' ? sizeJob(spark, load, cluster) : sizeEmbedded(spark, load, machine);
    const key = `sluice-prove-${randomBytes(6).toString('hex')}`;
    const at = below(folder, engine);
    const backend = engine === 'spark' ? backends.backend : backends.embedded;
    const result = await runCompared(backend, storage, { key, folder: at, sql, inputs, views, settings }, stopped);
    return { error: result.error?.message.split('\n', 1)[0], at };
  };
  const [ours, theirs] = [await of('embedded'), await of('spark')];
  if (theirs.error !== undefined) return { failed: theirs.error, by: 'spark', alike: ours.error !== undefined };
  if (ours.error !== undefined) return { failed: ours.error, by: 'embedded', alike: false };
  const places = views.map(
    (view) => [view, { spark: placeOf(theirs.at, view), embedded: placeOf(ours.at, view) }] as const,
  );
  return compareViews(context, new Map(places));
}

/** Snapshots of generated rows, in the place of the measured ones. */
async function generated({ context }: Adapters, { sql, inputs }: Job, pipeline: Pipeline, folder: Uri) {
  const snapshots = snapshotsIn(context, folder);
  const duck = await openDuck(context.scratch, []);
  try {
    const all: { name: string; kind: string; paths: Snapshot['paths']; columns: Snapshot['columns'] }[] = [];
    for (const input of inputs) {
      const source = pipeline.sources[input.name];
      if (!source) throw new TypeError(`there is no source ${input.name}`);
      const table = await edgeRows(duck, input.name, source, columnsOf(input), sql);
      const { paths } = await writeSnapshot(await materialize(duck, input.name, table), snapshots);
      all.push({ name: input.name, kind: 'kept', paths, columns: input.columns ?? [] });
    }
    return all;
  } finally {
    await duck.close();
  }
}
