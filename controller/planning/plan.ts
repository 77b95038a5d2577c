import type { Cause } from '../domain/events.ts';
import type { Pipeline, SparkJob } from '../domain/pipeline.ts';
import type { Choice, Cluster, Plan, PlannedStep, Profiles, Verdict } from '../domain/plan.ts';
import type { CheckedProfiles } from '../domain/profile.ts';
import { holds, operands, stepsIn } from '../pipeline/conditions.ts';
import { chooseBranch } from './branch.ts';
import { evaluateChecks } from './checks.ts';
import { chooseEngine, type Engines, sizeEmbedded } from './engine.ts';
import { compare, comparedIn } from './past.ts';
import { type Load, sizeJob, tooLarge } from './sizing.ts';
import { conditionValues, qualityScore } from './values.ts';

/**
 * Evaluates the checks, chooses the branch and sizes the jobs. Pure: the same measures at the same time (`now`,
 * milliseconds) give the same plan.
 */
export function makePlan(
  pipeline: Pipeline,
  { profiles, findings, past }: CheckedProfiles,
  cluster: Cluster,
  now: number,
  engines?: Engines,
  cause?: Cause,
): Plan {
  const values = conditionValues(profiles, now, cause);
  const compared = compare(comparedIn(pipeline), { profiles, past }, now, cause);
  const verdicts = evaluateChecks(pipeline.checks, values, findings, compared);
  const choice = chooseBranch(pipeline.branches, values);
  const within = { ...values, branch: choice.branch ?? '' };
  const standIns = new Set(Object.values(pipeline.steps).flatMap((step) => step.fallback ?? []));

  const steps = Object.fromEntries(
    Object.entries(pipeline.steps).map(([name, step]) => {
      const sized = step.spark
        ? sizedFor(step.spark, loadOf(pipeline, profiles, step.spark), cluster, engines, name)
        : {};
      if (standIns.has(name))
        return [name, { role: 'fallback', reason: 'runs when the step it is the fallback of has failed', ...sized }];
      if (step.if === undefined) return [name, { role: 'run', reason: 'unconditional', ...sized }];
      const asked = stepsIn(step.if);
      if (asked.length > 0)
        return [name, { role: 'later', reason: `it depends on how ${asked.join(', ')} ends`, ...sized }];
      const reason = `${operands(step.if, within).join(', ')}, and ${name} requires ${step.if}`;
      return [name, { role: holds(step.if, within) ? 'run' : 'skip', reason, ...sized }];
    }),
  ) as Record<string, PlannedStep>;

  const verdict = verdictOf(verdicts, choice, steps, cluster);
  const machine = engines && { machine: engines.machine };
  return { verdicts, quality: qualityScore(profiles), choice, steps, cluster, ...machine, ...verdict };
}

/** The engine of a step and its settings. A step that was free to choose keeps Spark's settings for a retry there. */
function sizedFor(
  job: SparkJob,
  load: Load,
  cluster: Cluster,
  engines: Engines | undefined,
  name: string,
): Pick<PlannedStep, 'settings' | 'why' | 'pair' | 'onSpark' | 'shadow' | 'refused'> {
  const facts = engines?.steps[name];
  const spark = sizeJob(job, load, cluster);
  if (!engines || !facts) return spark;
  const { engine, reason, refused, shadow } = chooseEngine(facts, load);
  const why = { engine: reason };
  const pair = facts.pair !== undefined && { pair: facts.pair };
  if (engine === 'spark')
    return { settings: spark.settings, why: { ...why, ...spark.why }, ...pair, ...(shadow && { shadow }) };
  const sized = sizeEmbedded(job, load, engines.machine);
  return {
    settings: sized.settings,
    why: { ...why, ...sized.why },
    ...pair,
    ...(facts.asked === 'auto' && { onSpark: spark.settings }),
    ...(refused !== undefined && { refused }),
  };
}

/** The measured input of a job. */
export function loadOf(pipeline: Pipeline, profiles: Profiles, { inputs }: SparkJob): Load {
  const read = (inputs ?? Object.keys(pipeline.sources)).flatMap((input) => profiles[input]?.measures ?? []);
  return {
    rows: read.reduce((sum, { rows }) => sum + rows, 0),
    bytes: read.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

function verdictOf(
  verdicts: readonly Verdict[],
  choice: Choice,
  steps: Plan['steps'],
  cluster: Cluster,
): Pick<Plan, 'verdict' | 'reason'> {
  const idle = !Object.values(steps).some((step) => step.role === 'run' || step.role === 'later');
  // A run without work is skipped even when a check failed: there is nothing to protect.
  if (choice.branch === undefined || idle) return { verdict: 'skip', reason: choice.reason };
  const stop = verdicts.find((each) => each.outcome === 'fail');
  if (stop) return { verdict: 'fail', reason: `check "${stop.name}" failed: ${stop.because}, expected ${stop.expect}` };
  // Spark would wait for such an executor forever.
  for (const [name, { role, settings, refused }] of Object.entries(steps)) {
    if (refused !== undefined && role !== 'skip')
      return { verdict: 'fail', reason: `step ${name}: the embedded engine cannot compute it: ${refused}` };
    const isOnSpark = settings && settings.engine === undefined && role !== 'skip';
    const reason = isOnSpark ? tooLarge(settings, cluster) : undefined;
    if (reason !== undefined) return { verdict: 'fail', reason: `step ${name}: ${reason}` };
  }
  return { verdict: 'go', reason: choice.reason };
}
