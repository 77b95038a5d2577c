import type { RunEvent } from '../domain/events.ts';
import type { Pipeline } from '../domain/pipeline.ts';
import type { RunSummary } from '../domain/ports/store.ts';
import type { CheckedProfiles } from '../domain/profile.ts';
import type { RunState } from '../domain/state.ts';
import type { StepState } from '../domain/step-state.ts';
import { didYouMean } from '../lib/suggest.ts';

type StepReused = Extract<RunEvent, { type: 'step-reused' }>;

/** What a retry takes over from the run that it repeats. */
export interface Reusable extends CheckedProfiles {
  readonly steps: readonly StepReused[];
}

/** Another run of the pipeline that is newer than the repeated one. */
export type LaterRun = Pick<RunSummary, 'run' | 'state' | 'ended' | 'quality'>;

/**
 * What a retry can take over: the measures and snapshots of the sources, and with `fromStep` the steps before it. Or why
 * it cannot, as a clause. Whether the snapshots are still there is for the workspace to say. Pure.
 */
export function reusable(
  earlier: RunState,
  pipeline: Pipeline,
  later: readonly LaterRun[],
  fromStep?: string,
): Reusable | string {
  const { run = '', profiles, findings = {}, pipeline: then } = earlier;
  const { state } = earlier.ended ?? { state: 'under way' };
  if (!isUnfinished(earlier)) return `run ${run} is ${state}, and only failed and cancelled runs keep their inputs`;
  if (!profiles || !then || !isPlanned(earlier)) return `run ${run} has no plan with these rows that could succeed`;
  const since = later.find(counts);
  if (since) return `run ${since.run} has come since`;
  for (const part of ['sources', 'checks'] as const)
    if (JSON.stringify(then[part]) !== JSON.stringify(pipeline[part]))
      return `the ${part} of the pipeline have changed`;
  const large = Object.entries(profiles).find(([, { pin }]) => !pin.kept);
  if (large) return `source ${large[0]} has no snapshot`;
  return { profiles, findings, steps: fromStep === undefined ? [] : stepsBefore(earlier, pipeline, fromStep) };
}

const isUnfinished = ({ ended }: RunState): boolean => ended?.state === 'failed' || ended?.state === 'cancelled';
/** Rows that failed a check would fail it again. */
const isPlanned = ({ plan }: RunState): boolean =>
  plan !== undefined && plan.verdict !== 'skip' && !plan.verdicts.some(({ outcome }) => outcome === 'fail');
/** A run that was skipped, or that ended before it had a plan, has changed nothing. */
const counts = ({ state, ended, quality }: LaterRun): boolean =>
  state !== 'skipped' && (ended === undefined || quality !== undefined);

/** Whether an ended run keeps its inputs for a retry: at most one run of a pipeline does, the last one with work. */
export const keepsInputs = (state: RunState, later: readonly LaterRun[]): boolean =>
  isUnfinished(state) && isPlanned(state) && !later.some((each) => each.ended !== undefined && counts(each));

/** Why a run cannot begin from a step of its pipeline, with a hint; undefined when it can. */
export function stepProblem({ steps }: Pipeline, fromStep: string): { message: string; hint: string } | undefined {
  const names = Object.keys(steps);
  if (!names.includes(fromStep))
    return {
      message: `the pipeline has no step "${fromStep}"${didYouMean(fromStep, names)}`,
      hint: `its steps are ${names.join(', ')}`,
    };
  const replaced = Object.entries(steps).find(([, { fallback }]) => fallback === fromStep);
  return (
    replaced && { message: `step ${fromStep} is a fallback of ${replaced[0]}`, hint: `begin from step ${replaced[0]}` }
  );
}

/** The steps that succeeded and need not be computed again: nothing that they depend on is. */
function stepsBefore(earlier: RunState, pipeline: Pipeline, fromStep: string): StepReused[] {
  const { run = '', steps } = earlier;
  const again = stepsFrom(pipeline, [
    fromStep,
    ...Object.keys(pipeline.steps).filter((name) => isOpen(name, earlier, pipeline)),
  ]);
  return Object.keys(pipeline.steps).flatMap((name) => {
    const step = steps[name];
    return step && !again.has(name) && isDone(step) ? [stepReused(run, step)] : [];
  });
}

/** Whether a step may now do what it has not done: it is new, did not succeed, or was skipped by other words. */
function isOpen(name: string, { steps, pipeline: then }: RunState, now: Pipeline): boolean {
  const step = steps[name];
  if (!step || isDone(step)) return !step;
  const words = ({ branches, steps: all }: Pipeline): string => JSON.stringify([branches, all[name]]);
  const isSame = then !== undefined && words(then) === words(now);
  return step.ended?.state !== 'skipped' || !isSame;
}

const isDone = ({ ended }: StepState): boolean => ended?.state === 'succeeded' || ended?.state === 'degraded';

function stepReused(run: string, { name, ended, outputs, attempts, reused }: StepState): StepReused {
  const answer = (attempts.at(-1) ?? reused)?.answer;
  return {
    ...{ type: 'step-reused', step: name, state: ended?.state ?? 'succeeded' },
    ...{ from: reused?.from ?? run, reason: reused?.reason ?? ended?.reason ?? '' },
    ...(outputs && { outputs }),
    ...(answer && { answer }),
  };
}

/** Steps with all that depends on them, and their fallbacks. */
function stepsFrom({ steps }: Pipeline, from: readonly string[]): ReadonlySet<string> {
  const again = new Set(from);
  // A set visits what is added to it while it is walked.
  for (const name of again) {
    const fallback = steps[name]?.fallback;
    if (fallback !== undefined) again.add(fallback);
    for (const [other, { needs = [] }] of Object.entries(steps)) if (needs.includes(name)) again.add(other);
  }
  return again;
}
