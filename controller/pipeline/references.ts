import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Pipeline, type Step, sqlFiles } from '../domain/pipeline.ts';
import { liesIn } from '../lib/paths.ts';
import { didYouMean } from '../lib/suggest.ts';
import { variablesIn } from '../lib/variables.ts';
import { type Allowed, baseOf, isSetLate, maySet } from './allowed.ts';
import { conditionsOf, type Place, stepsIn } from './conditions.ts';
import { expressionsIn } from './template.ts';

/** Something a pipeline names that is not there, with the key path that names it. */
export interface Broken {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** The connections a pipeline may name, by kind, and what it may do beyond its project. */
export interface Known {
  readonly postgres: readonly string[];
  readonly kafka: readonly string[];
  readonly allow?: Allowed;
}

const nothingMore: Allowed = { paths: [], sparkConf: [] };

const mostSteps = 500;

/**
 * Everything a schema cannot see: names that must exist, conditions that must hold together, needs without cycles. Each is
 * looked for when it is asked for, as telling what was meant takes time.
 */
export function* brokenReferences(pipeline: Pipeline, known: Known, root: string): Generator<Broken> {
  const count = Object.keys(pipeline.steps).length;
  if (count > mostSteps) {
    yield { path: ['steps'], message: `there are ${count} steps, the most that can be are ${mostSteps}` };
    return;
  }
  yield* connections(pipeline, known);
  yield* steps(pipeline, root);
  yield* cycles(pipeline);
  yield* conditions(pipeline);
  yield* branches(pipeline);
  yield* sources(pipeline);
  yield* checks(pipeline);
  yield* beyond(pipeline, root, known.allow ?? nothingMore);
}

/** Paths outside the project and properties of Spark that conf/ does not allow. */
function* beyond({ sources: all, steps: each }: Pipeline, root: string, allow: Allowed): Generator<Broken> {
  const folders = [root, ...allow.paths];
  const outside = (path: readonly PropertyKey[], place: string): Broken[] =>
    liesIn(folders, resolve(root, place))
      ? []
      : [
          {
            path,
            message: `${place} lies outside the project; allow.paths in conf/connections.yaml says where else files may be`,
          },
        ];
  for (const [name, source] of Object.entries(all))
    if ('csv' in source) yield* outside(['sources', name, 'csv'], baseOf(source.csv));
  for (const [name, { spark, postgres, outputs }] of Object.entries(each)) {
    const at = (...path: PropertyKey[]): PropertyKey[] => ['steps', name, ...path];
    for (const file of spark ? sqlFiles(spark) : []) yield* outside(at('spark', 'sql'), file);
    if (postgres) yield* outside(at('postgres', 'sql'), postgres.sql);
    for (const [index, output] of outputs.entries()) {
      if ('parquet' in output) yield* outside(at('outputs', index, 'parquet'), output.parquet);
      if ('csv' in output) yield* outside(at('outputs', index, 'csv'), output.csv);
    }
    for (const [property, value] of Object.entries(spark?.conf ?? {})) {
      if (variablesIn(value).length > 0 && !isSetLate(property))
        yield {
          path: at('spark', 'conf', property),
          message: `${property} is set before a job has its secrets; only spark.hadoop.*, spark.sql.* and properties of your own can take \${NAME}`,
        };
      if (!maySet(property, allow.sparkConf))
        yield {
          path: at('spark', 'conf', property),
          message: `${property} loads code, moves files, opens doors or is Sluice's to set; allow.sparkConf in conf/connections.yaml says what pipelines may set all the same`,
        };
    }
  }
}

const oneOf = (what: string, name: string, names: readonly string[]): string =>
  `there is no ${what} "${name}"${didYouMean(name, names) || ` (known: ${names.slice(0, 20).join(', ') || 'none'}${names.length > 20 ? ', …' : ''})`}`;

function connections(pipeline: Pipeline, known: Known): Broken[] {
  const broken: Broken[] = [];
  const look = (kind: 'postgres' | 'kafka', name: string, path: PropertyKey[]): void => {
    if (known[kind].includes(name)) return;
    broken.push({ path, message: `${oneOf(`${kind} connection`, name, known[kind])} in conf/connections.yaml` });
  };
  for (const [name, source] of Object.entries(pipeline.sources)) {
    if ('postgres' in source) look('postgres', source.postgres, ['sources', name, 'postgres']);
    if ('kafka' in source) look('kafka', source.kafka, ['sources', name, 'kafka']);
  }
  for (const [name, step] of Object.entries(pipeline.steps)) {
    if (step.postgres) look('postgres', step.postgres.connection, ['steps', name, 'postgres', 'connection']);
    for (const [index, output] of step.outputs.entries()) {
      if ('postgres' in output) look('postgres', output.postgres, ['steps', name, 'outputs', index, 'postgres']);
    }
  }
  return broken;
}

function sources(pipeline: Pipeline): Broken[] {
  return Object.entries(pipeline.sources).flatMap(([name, source]) => {
    const declared = Object.keys(source.columns ?? {});
    if ('postgres' in source || declared.includes(source.key)) return [];
    return [{ path: ['sources', name, 'key'], message: oneOf('column', source.key, declared) }];
  });
}

function checks({ checks: all, sources: known }: Pipeline): Broken[] {
  return all.flatMap(({ name, rows }, index) => {
    const broken: Broken[] = [];
    if (rows !== undefined && !Object.hasOwn(known, rows))
      broken.push({ path: ['checks', index, 'rows'], message: oneOf('source', rows, Object.keys(known)) });
    if (all.findIndex((other) => other.name === name) !== index)
      broken.push({ path: ['checks', index, 'name'], message: `the check "${name}" is there twice` });
    return broken;
  });
}

function* steps(pipeline: Pipeline, root: string): Generator<Broken> {
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
    const files: [string, string][] = [
      ...(step.spark ? sqlFiles(step.spark) : []).map((file): [string, string] => ['spark', file]),
      ...(step.postgres ? [['postgres', step.postgres.sql] as [string, string]] : []),
    ];
    for (const [kind, file] of files) {
      if (!existsSync(resolve(root, file)))
        yield { path: at(kind, 'sql'), message: `there is no file ${file} in ${root}` };
    }
  }
}

/** Each cycle of needs and fallbacks once, told at the step it starts from. */
function cycles(pipeline: Pipeline): Broken[] {
  const broken: Broken[] = [];
  const done = new Set<string>();
  const visit = (name: string, way: readonly string[]): void => {
    const from = way.indexOf(name);
    if (from >= 0) {
      const circle = [...way.slice(from), name].join(' -> ');
      broken.push({ path: ['steps', name], message: `steps wait for each other in a circle: ${circle}` });
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

function* conditions(pipeline: Pipeline): Generator<Broken> {
  const all = conditionsOf(pipeline);
  const judge = (expression: string | undefined, place: Place, path: PropertyKey[]): Broken[] => {
    const problem = expression === undefined ? undefined : all.check(expression, place);
    return problem === undefined ? [] : [{ path, message: `"${expression}": ${problem}` }];
  };
  for (const [i, check] of pipeline.checks.entries()) yield* judge(check.expect, 'check', ['checks', i, 'expect']);
  for (const [i, branch] of pipeline.branches.entries()) yield* judge(branch.if, 'branch', ['branches', i, 'if']);
  for (const [name, step] of Object.entries(pipeline.steps))
    for (const { place, path, expression } of expressionsOf(name, step)) {
      yield* judge(expression, place, [...path]);
      for (const other of notNeeded(expression, step))
        yield {
          path,
          message: Object.hasOwn(pipeline.steps, other)
            ? `"${expression}" looks at step "${other}", which must come first: add it to needs`
            : `"${expression}": ${oneOf('step', other, Object.keys(pipeline.steps))}`,
        };
    }
}

/** The expressions of a step: its condition, and what is filled into its request. */
function expressionsOf(
  name: string,
  { if: condition, http }: Step,
): { place: Place; path: readonly PropertyKey[]; expression: string }[] {
  const calls = http
    ? expressionsIn({ url: http.url, headers: http.headers, body: http.body }, ['steps', name, 'http'])
    : [];
  return [
    ...(condition === undefined
      ? []
      : [{ place: 'step' as const, path: ['steps', name, 'if'], expression: condition }]),
    ...calls.map((each) => ({ place: 'call' as const, ...each })),
  ];
}

/** The steps an expression looks at although they may not have ended then. */
const notNeeded = (expression: string, { needs = [] }: Step): string[] =>
  stepsIn(expression).filter((name) => !needs.includes(name));

function branches(pipeline: Pipeline): Broken[] {
  const names = pipeline.branches.map((branch) => branch.name);
  return pipeline.branches.flatMap((branch, index) => {
    const path = ['branches', index, 'name'];
    if (names.indexOf(branch.name) !== index) return [{ path, message: `the branch "${branch.name}" is there twice` }];
    if (branch.if === undefined && index < names.length - 1) {
      return [{ path, message: `"${branch.name}" has no "if", so the branches after it can never be chosen` }];
    }
    return [];
  });
}
