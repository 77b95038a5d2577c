import { createHash } from 'node:crypto';
import { thisMachine } from '../adapters/backends/embedded/machine.ts';
import { stagedAt } from '../adapters/drivers.ts';
import { sqlOf } from '../adapters/runner/workspace.ts';
import { type Duck, openDuck } from '../clients/duckdb.ts';
import { kindOf, type Pipeline, type Step } from '../domain/pipeline.ts';
import type { Profiles } from '../domain/plan.ts';
import type { ProofStore } from '../domain/ports/store.ts';
import { type EmbeddedInput, translateJob } from '../embedded/execute.ts';
import { semantics } from '../embedded/sql/translate.ts';
import { Untranslatable } from '../embedded/sql/types.ts';
import { type EngineFacts, type Engines, engineOf } from '../planning/engine.ts';
import { loadOf } from '../planning/plan.ts';
import type { Load } from '../planning/sizing.ts';
import type { Adapters } from './wiring.ts';

/** The facts by which the engines of a pipeline's steps are chosen; undefined when all are to run on Spark. */
export async function engineFacts(
  adapters: Adapters,
  store: ProofStore,
  pipeline: Pipeline,
  profiles: Profiles,
): Promise<Engines | undefined> {
  const { engine } = adapters.context.project.connections;
  const free = Object.entries(pipeline.steps).filter(([, step]) => step.spark && engineOf(step, engine) !== 'spark');
  if (free.length === 0) return undefined;
  const steps: Record<string, EngineFacts> = {};
  await within(adapters, async (duck) => {
    for (const [name, step] of free) {
      const asked = engineOf(step, engine) as EngineFacts['asked'];
      const { problem, pair } = await factsOf(duck, adapters, step, pipeline, profiles);
      const [proof] = await store.proofs([pair]);
      steps[name] = { asked, problem, pair, proof, comparable: isComparable(step) };
    }
  });
  return { machine: thisMachine, steps };
}

/** A shadow is compared with what Spark has published as Parquet. */
const isComparable = ({ outputs }: Step): boolean =>
  outputs.every(({ views }) =>
    views.every((view) => outputs.some((output) => output.parquet !== undefined && output.views.includes(view))),
  );

/** Settings of Spark SQL that change how it computes, and not what. */
const harmless = /^spark\.sql\.(adaptive\.|shuffle\.|autoBroadcastJoinThreshold|files\.|inMemoryColumnarStorage\.)/;

/** A step as the embedded engine sees it. */
interface JobFacts {
  readonly sql: string;
  readonly inputs: readonly EmbeddedInput[];
  readonly load: Load;
  /** Identifies the SQL, the schemas, and what the translation makes of them. */
  readonly pair: string;
  /** Why the embedded engine cannot compute it; undefined when it can. */
  readonly problem: string | undefined;
}

export const jobOf = (adapters: Adapters, step: Step, pipeline: Pipeline, profiles: Profiles): Promise<JobFacts> =>
  within(adapters, (duck) => factsOf(duck, adapters, step, pipeline, profiles));

/** Some work in a database that parses SQL and reads nothing. */
async function within<T>({ context }: Adapters, work: (duck: Duck) => Promise<T>): Promise<T> {
  const duck = await openDuck(context.scratch, []);
  try {
    return await work(duck);
  } finally {
    await duck.close();
  }
}

async function factsOf(
  duck: Duck,
  { registry, context: { project } }: Adapters,
  step: Step,
  pipeline: Pipeline,
  profiles: Profiles,
): Promise<JobFacts> {
  const { spark, outputs } = step;
  if (!spark) throw new TypeError('it is no Spark step');
  const sql = await sqlOf(spark, project.root, pipeline);
  const inputs = Object.entries(profiles)
    .filter(([name]) => (spark.inputs ?? Object.keys(pipeline.sources)).includes(name))
    .map(([name, { pin }]) => ({ name, kind: pin.kept ? 'kept' : pin.kind, ...(pin.kept ?? {}) }));
  const written = outputs.flatMap((output) => {
    const staged = stagedAt(registry.sinks, output, { root: project.root, key: '' });
    const { fields } = kindOf(registry.sinks, output).writes(output, staged, project);
    return staged.views.map(({ view, place }) => ({ view, kind: staged.kind, place, ...fields }));
  });
  const schemas = inputs.map(({ name, ...input }) => [name, 'columns' in input ? input.columns : []]);
  const kinds = written.map(({ view, kind }) => [view, kind]);
  const setting = Object.keys(spark.conf ?? {}).find((name) => name.startsWith('spark.sql.') && !harmless.test(name));
  const [{ version } = {}] = await duck.rows('SELECT version() AS version');
  const of = { semantics, version, sql, schemas, kinds, conf: spark.conf };
  const pair = createHash('sha256').update(JSON.stringify(of)).digest('hex');
  const problem = await translateJob(duck, { sql, inputs, outputs: written }).then(
    () => (setting === undefined ? undefined : `${setting} is set, which may change what the SQL means`),
    (error: unknown) => {
      if (error instanceof Untranslatable) return error.message;
      throw error;
    },
  );
  return { sql, inputs, load: loadOf(pipeline, profiles, spark), pair, problem };
}
