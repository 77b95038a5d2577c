import type { RunStore } from '../../domain/ports/store.ts';
import type { Vitals } from '../../domain/ports/vitals.ts';
import type { DataPromise, PromiseRecord, PromiseStatus } from '../../domain/promises.ts';
import { holds, operands } from '../../pipeline/conditions.ts';
import { type Evidence, recordOf, statusOf } from '../../planning/promises.ts';
import { conditionValues } from '../../planning/values.ts';
import type { WatchedPipeline } from '../pipelines/watched.ts';

/** The runs of a pipeline that tell how it stands now, and those that tell of 30 days. */
const fewRuns = 50;
const manyRuns = 5000;
const recordMs = 32 * 86_400_000;

/** A promise of a pipeline, and how it stands. */
export interface JudgedPromise {
  readonly pipeline: string;
  readonly promise: DataPromise;
  readonly status: PromiseStatus;
  /** Of the last 30 days, when it was asked for. */
  readonly record?: PromiseRecord | undefined;
}

interface Judging {
  readonly store: Pick<RunStore, 'list' | 'lastPlanned' | 'triggers'>;
  readonly vitals: Pick<Vitals, 'now' | 'published'>;
  readonly pipelines: readonly WatchedPipeline[];
  /** Since when a pipeline is known to this process, when neither a run nor a trigger says more. */
  readonly since: (pipeline: string) => number;
  readonly withRecord?: boolean;
}

/** Judges the promises of all served pipelines, whether or not a run exists. */
export async function judgePromises(of: Judging): Promise<JudgedPromise[]> {
  const promising = of.pipelines.flatMap(({ loaded }) => (loaded?.pipeline.promises?.length ? [loaded.pipeline] : []));
  if (promising.length === 0) return [];
  const armed = new Map<string, number>();
  for (const { pipeline, armed: at } of await of.store.triggers())
    armed.set(pipeline, Math.min(at, armed.get(pipeline) ?? at));
  const judged = promising.map(async ({ name, promises = [] }) => {
    const evidence = await evidenceOf(of, name, promises, armed.get(name));
    return promises.map((promise) => {
      const mine = { ...evidence, holds: evaluated(promise, evidence.profiles, evidence.now) };
      const status = statusOf(promise, mine);
      return { pipeline: name, promise, status, ...(of.withRecord && { record: recordOf(promise, mine) }) };
    });
  });
  return (await Promise.all(judged)).flat();
}

async function evidenceOf(
  { store, vitals: { now, published }, since, withRecord }: Judging,
  pipeline: string,
  promises: readonly DataPromise[],
  armed = Number.POSITIVE_INFINITY,
) {
  const needsMeasures = promises.some((each) => each.holds !== undefined);
  const [runs, planned] = await Promise.all([
    store.list({ pipeline, limit: withRecord ? manyRuns : fewRuns, ...(withRecord && { since: now - recordMs }) }),
    needsMeasures ? store.lastPlanned(pipeline) : undefined,
  ]);
  const first = runs.at(-1)?.started ?? Number.POSITIVE_INFINITY;
  const evidence: Omit<Evidence, 'holds'> = {
    ...{ now, runs, published: published.find((each) => each.pipeline === pipeline)?.at },
    since: Math.min(armed, first, since(pipeline)),
  };
  return { ...evidence, profiles: planned?.profiles };
}

/** Whether a condition holds, with its values; undefined when there is nothing to judge it by. */
function evaluated(
  promise: DataPromise,
  profiles: Parameters<typeof conditionValues>[0] | undefined,
  now: number,
): Evidence['holds'] {
  if (promise.holds === undefined || profiles === undefined) return undefined;
  try {
    const values = { ...conditionValues(profiles, now) };
    return { is: holds(promise.holds, values), values: operands(promise.holds, values) };
  } catch {
    // A measure that the condition needs is not there yet: the file is newer than the run.
    return undefined;
  }
}
