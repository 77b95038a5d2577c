import type { EngineChoice, Pipeline, SparkJob, Step } from '../domain/pipeline.ts';
import type { Cluster } from '../domain/plan.ts';
import { enoughShadows, isProven, type Proof } from '../domain/proof.ts';
import { type Load, type Sized, sizeJob } from './sizing.ts';

/** What is known of a Spark step before its engine is chosen. */
export interface EngineFacts {
  readonly asked: Exclude<EngineChoice, 'spark'>;
  /** Why the embedded engine cannot compute it; undefined when it can. */
  readonly problem: string | undefined;
  /** Identifies the SQL and schemas. */
  readonly pair?: string;
  readonly proof?: Proof | undefined;
  /** Whether a run on Spark leaves all views in a form that a shadow can be compared with. */
  readonly comparable?: boolean;
}

/** The facts of the steps that may run on the embedded engine, and the resources of its machine. */
export interface Engines {
  readonly machine: Cluster;
  readonly steps: Readonly<Record<string, EngineFacts>>;
}

/** The engine of a step, with the reason; `refused` when the pipeline asks for what cannot be had. */
export interface ChosenEngine {
  readonly engine: 'spark' | 'embedded';
  readonly reason: string;
  readonly refused?: string;
  /** After Spark, the embedded engine recomputes the same, for a comparison. */
  readonly shadow?: true;
}

/** The engine that a step asks for. */
export const engineOf = ({ engine }: Step, byDefault: EngineChoice): EngineChoice => engine ?? byDefault;

/** Whether some step may run on Spark. */
export const needsSpark = ({ steps }: Pipeline, byDefault: EngineChoice): boolean =>
  Object.values(steps).some((step) => step.spark && engineOf(step, byDefault) !== 'embedded');

/** Above these, a cluster of some size is faster than one machine, whose disk would hold the spilled rows. */
const mostRows = 10_000_000;
const mostBytes = 2 ** 30;

/** Chooses the engine of a step. Pure. */
export function chooseEngine(facts: EngineFacts | undefined, { rows, bytes }: Load): ChosenEngine {
  if (!facts) return { engine: 'spark', reason: 'the pipeline asks for it' };
  const { asked, problem, proof } = facts;
  if (asked === 'embedded') {
    if (problem !== undefined) return { engine: 'embedded', reason: problem, refused: problem };
    const known = isProven(proof)
      ? 'proven to give what Spark gives'
      : 'not proven; `sluice prove` compares it with Spark';
    return { engine: 'embedded', reason: `the pipeline asks for it; ${known}` };
  }
  if (problem !== undefined) return { engine: 'spark', reason: problem };
  if (rows > mostRows || bytes > mostBytes)
    return { engine: 'spark', reason: `the input is over ${mostRows} rows or ${mostBytes / 2 ** 20} MB` };
  if (proof?.difference !== undefined) return { engine: 'spark', reason: `the engines differed: ${proof.difference}` };
  if (!isProven(proof)) {
    const equal = `${proof?.equal ?? 0} of ${enoughShadows} comparisons were equal`;
    return {
      engine: 'spark',
      reason: `not proven: ${equal}; \`sluice prove\` does it at once`,
      ...(facts.comparable && { shadow: true }),
    };
  }
  const by = proof?.proven ? '`sluice prove`' : `${proof?.equal} equal runs`;
  return { engine: 'embedded', reason: `${rows} rows fit, and ${by} showed what Spark gives` };
}

/** The settings of a step on the embedded engine: one process with this memory and these threads. */
export function sizeEmbedded(job: SparkJob, load: Load, machine: Cluster): Sized {
  const { settings, why } = sizeJob(job, load, { cores: machine.cores, largestMb: machine.largestMb / 2 });
  const { executorCores, executorMemory } = settings;
  return {
    settings: {
      ...settings,
      engine: 'embedded',
      executors: 1,
      driverMemory: job.driverMemory ?? executorMemory,
      partitions: 1,
      profile: 'quick',
      conf: {},
    },
    why: {
      driverMemory: `${why.executorMemory}; more is spilled to disk`,
      executorCores: `this machine has ${executorCores}`,
    },
  };
}
