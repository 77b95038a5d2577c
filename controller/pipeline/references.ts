import { type Kinds, kindOf, type Pipeline, type Step, type TaskKind } from '../domain/pipeline.ts';
import type { Allowed } from './allowed.ts';
import { conditionsOf, type Place, sourceTextProblem, stepsIn, triggerConditionProblem } from './conditions.ts';
import { type Broken, connections, type Known, oneOf, partsOf, places, properties } from './parts.ts';
import { brokenPromises } from './promises.ts';
import { expressionsIn } from './template.ts';

const nothingMore: Allowed = { paths: [], sparkConf: [] };
const mostSteps = 500;

/**
 * Finds what a schema cannot check: unknown names, invalid conditions, cycles of needs. It is lazy, because suggestions
 * take time.
 */
export function* brokenReferences(pipeline: Pipeline, known: Known, root: string): Generator<Broken> {
  const count = Object.keys(pipeline.steps).length;
  if (count > mostSteps) {
    yield { path: ['steps'], message: `there are ${count} steps, the most that can be are ${mostSteps}` };
    return;
  }
  const parts = partsOf(pipeline, known.kinds);
  yield* connections(parts, known);
  yield* steps(pipeline);
  yield* places(pipeline, parts, root, { kinds: known.kinds, allow: known.allow ?? nothingMore });
  yield* cycles(pipeline);
  yield* conditions(pipeline, known.kinds);
  yield* branches(pipeline);
  yield* triggers(pipeline, known.kinds);
  yield* sources(pipeline, known.kinds);
  yield* checks(pipeline);
  yield* brokenPromises(pipeline, known.kinds);
  yield* properties(pipeline, known.allow ?? nothingMore);
}

function sources(pipeline: Pipeline, kinds: Kinds): Broken[] {
  return Object.entries(pipeline.sources).flatMap(([name, source]) => {
    const declared = Object.keys(source.columns ?? {});
    if (kindOf(kinds.sources, source).isTable || declared.includes(source.key)) return [];
    return [{ path: ['sources', name, 'key'], message: oneOf('column', source.key, declared) }];
  });
}

function checks({ checks: all, sources: known }: Pipeline): Broken[] {
  return all.flatMap(({ name, rows }, index) => {
    const broken: Broken[] = [];
    if (rows !== undefined && !Object.hasOwn(known, rows))
      broken.push({ path: ['checks', index, 'rows'], message: oneOf('source', rows, Object.keys(known)) });
    if (all.findIndex((other) => other.name === name) !== index)
      broken.push({ path: ['checks', index, 'name'], message: `duplicate check "${name}"` });
    return broken;
  });
}

function* steps(pipeline: Pipeline): Generator<Broken> {
  const names = Object.keys(pipeline.steps);
  const known = new Set(names);
  const sourceNames = Object.keys(pipeline.sources);
  for (const [name, step] of Object.entries(pipeline.steps)) {
    const at = (...path: PropertyKey[]): PropertyKey[] => ['steps', name, ...path];
    for (const [index, need] of (step.needs ?? []).entries()) {
      if (!known.has(need)) yield { path: at('needs', index), message: oneOf('step', need, names) };
    }
    if (step.fallback !== undefined) {
      if (step.fallback === name) yield { path: at('fallback'), message: 'a step cannot be its own fallback' };
      else if (!known.has(step.fallback)) yield { path: at('fallback'), message: oneOf('step', step.fallback, names) };
    }
    for (const [index, input] of (step.spark?.inputs ?? []).entries()) {
      if (!sourceNames.includes(input))
        yield { path: at('spark', 'inputs', index), message: oneOf('source', input, sourceNames) };
    }
    for (const [index, output] of step.outputs.entries())
      for (const view of Object.keys(output.unique ?? {}))
        if (!output.views.includes(view))
          yield { path: at('outputs', index, 'unique', view), message: oneOf('view', view, output.views) };
  }
}

/** Each cycle of needs and fallbacks once, reported at its first step. */
function cycles(pipeline: Pipeline): Broken[] {
  const broken: Broken[] = [];
  const done = new Set<string>();
  const visit = (name: string, way: readonly string[]): void => {
    const from = way.indexOf(name);
    if (from >= 0) {
      const circle = [...way.slice(from), name].join(' -> ');
      broken.push({ path: ['steps', name], message: `circular dependency: ${circle}` });
      return;
    }
    const step = Object.hasOwn(pipeline.steps, name) ? pipeline.steps[name] : undefined;
    if (done.has(name) || step === undefined) return;
    for (const next of [...(step.needs ?? []), ...(step.fallback === undefined ? [] : [step.fallback])]) {
      if (next !== name || step.needs?.includes(name)) visit(next, [...way, name]);
    }
    done.add(name);
  };
  for (const name of Object.keys(pipeline.steps)) visit(name, []);
  return broken;
}

function* conditions(pipeline: Pipeline, kinds: Kinds): Generator<Broken> {
  for (const [name, source] of Object.entries(pipeline.sources))
    for (const { path, expression } of expressionsIn(source, ['sources', name])) {
      const problem = path.length === 3 ? sourceTextProblem(expression, pipeline, kinds) : undefined;
      if (problem !== undefined) yield { path, message: `"${expression}": ${problem}` };
    }
  const all = conditionsOf(pipeline, kinds);
  const judge = (expression: string | undefined, place: Place, path: PropertyKey[]): Broken[] => {
    const problem = expression === undefined ? undefined : all.check(expression, place);
    return problem === undefined ? [] : [{ path, message: `"${expression}": ${problem}` }];
  };
  for (const [i, check] of pipeline.checks.entries()) yield* judge(check.expect, 'check', ['checks', i, 'expect']);
  for (const [i, branch] of pipeline.branches.entries()) yield* judge(branch.if, 'branch', ['branches', i, 'if']);
  for (const [name, step] of Object.entries(pipeline.steps))
    for (const { place, path, expression } of expressionsOf(name, step, kinds.tasks)) {
      yield* judge(expression, place, [...path]);
      for (const other of notNeeded(expression, step))
        yield {
          path,
          message: Object.hasOwn(pipeline.steps, other)
            ? `"${expression}" references step "${other}": add it to needs`
            : `"${expression}": ${oneOf('step', other, Object.keys(pipeline.steps))}`,
        };
    }
}

/** The conditions and the texts of triggers. */
function* triggers(pipeline: Pipeline, kinds: Kinds): Generator<Broken> {
  for (const [name, trigger] of Object.entries(pipeline.triggers ?? {})) {
    const kind = kindOf(kinds.triggers, trigger);
    const path = ['triggers', name];
    const { when } = trigger;
    const condition = when === undefined ? [] : [{ path: [...path, 'when'], expression: when, isText: false }];
    const texts = expressionsIn(trigger.with, [...path, 'with']).map((each) => ({ ...each, isText: true }));
    for (const { path: at, expression, isText } of [...condition, ...texts]) {
      const problem = triggerConditionProblem(expression, kind, isText);
      if (problem !== undefined) yield { path: at, message: `"${expression}": ${problem}` };
    }
    for (const { at, message } of kind.broken?.(trigger, pipeline, kinds) ?? [])
      yield { path: [...path, ...at], message };
  }
}

/** The expressions of a step: its condition, and those in the texts of its task. */
function expressionsOf(
  name: string,
  step: Step,
  tasks: readonly TaskKind[],
): { place: Place; path: readonly PropertyKey[]; expression: string }[] {
  const path = ['steps', name];
  const filled = tasks.flatMap(({ kind, templates = [] }) =>
    templates.flatMap((field) =>
      expressionsIn((step[kind] as Readonly<Record<string, unknown>> | undefined)?.[field], [...path, kind, field]),
    ),
  );
  return [
    ...(step.if === undefined ? [] : [{ place: 'step' as const, path: [...path, 'if'], expression: step.if }]),
    ...filled.map((each) => ({ place: 'call' as const, ...each })),
  ];
}

/** The steps that an expression references without `needs`. */
const notNeeded = (expression: string, { needs = [] }: Step): string[] =>
  stepsIn(expression).filter((name) => !needs.includes(name));

function branches(pipeline: Pipeline): Broken[] {
  const names = pipeline.branches.map((branch) => branch.name);
  return pipeline.branches.flatMap((branch, index) => {
    const path = ['branches', index, 'name'];
    if (names.indexOf(branch.name) !== index) return [{ path, message: `duplicate branch "${branch.name}"` }];
    if (branch.if === undefined && index < names.length - 1) {
      return [{ path, message: `"${branch.name}" has no "if", so the branches after it can never be chosen` }];
    }
    return [];
  });
}
