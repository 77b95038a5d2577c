import type { ASTNode, Environment, ObjectSchema } from '@marcbachmann/cel-js';
import { columnsOf, type Kinds, kindOf, type Pipeline, type TriggerKind } from '../domain/pipeline.ts';
import type { Values } from '../domain/plan.ts';
import { rejected } from '../lib/errors.ts';
import { didYouMean } from '../lib/suggest.ts';
import { childrenOf, environment, isNode, nodesIn, pathOf } from './ast.ts';
import { bounded } from './bounded.ts';
import { comparedProblem, declareNormal, defineNormal, isNormalCall, onlyInChecks } from './normal-calls.ts';

/** Conditions in CEL. The pipeline determines the names that they may use, so a typo is found when the file is read. */
export interface Conditions {
  /** The problem of an expression, or undefined. `place` decides whether it may use `branch`. */
  check(expression: string, place: Place): string | undefined;
}
/**
 * The location of an expression. `step` and `call` may use `branch`, `run` and `steps`; only a `call` may have any
 * type.
 */
export type Place = 'check' | 'branch' | 'step' | 'call';

const sourceFields = {
  rows: 'int',
  valid: 'int',
  invalid: 'int',
  invalid_ratio: 'double',
  duplicates: 'int',
  bytes: 'int',
  new: 'int',
  score: 'double',
} as const satisfies ObjectSchema;
/** The fields of `last`, the measures of the last published run. */
export const lastFields = ['rows', 'valid', 'invalid', 'duplicates', 'bytes'] as const;
const timestamp = 'google.protobuf.Timestamp';
const totalFields = { rows: 'int', valid: 'int', invalid: 'int', duplicates: 'int', bytes: 'int', new: 'int' } as const;
const qualityFields = { score: 'double' } as const;

/** The fields of `trigger`: what started the run. */
const triggerFields = {
  ...{ name: 'string', kind: 'string', key: 'string', by: 'string', date: 'string', time: 'string' },
  ...{ due: timestamp, weekday: 'int', with: 'map<string, dyn>' },
} as const satisfies ObjectSchema;

/** The schema of `trigger` with what firings of these kinds know; a run that another one started lacks that. */
const triggerSchema = (kinds: readonly TriggerKind[]): ObjectSchema => ({
  ...Object.assign({}, ...kinds.map(({ facts = {} }) => facts)),
  ...triggerFields,
});

/** Where measures cannot be compared with earlier runs. */
const elsewhere = (env = environment()): Environment => declareNormal(env, onlyInChecks);

/** The problem of a trigger's condition, or undefined. It may use `trigger` and `now`. */
export function triggerConditionProblem(expression: string, kind: TriggerKind, isText: boolean): string | undefined {
  const schema = triggerSchema([kind]);
  const env = elsewhere().registerVariable('trigger', { schema }).registerVariable('now', timestamp);
  return problemOf(env, expression, { trigger: schema, now: timestamp }, isText ? 'call' : 'check');
}

/** The problem of an expression in the text of a source, or undefined. It may use `trigger`. */
export function sourceTextProblem(
  expression: string,
  { triggers = {} }: Pipeline,
  kinds: Pick<Kinds, 'triggers'>,
): string | undefined {
  const schema = triggerSchema(Object.values(triggers).map((of) => kindOf(kinds.triggers, of)));
  return problemOf(elsewhere().registerVariable('trigger', { schema }), expression, { trigger: schema }, 'call');
}

export function conditionsOf(pipeline: Pipeline, kinds: Pick<Kinds, 'sources' | 'triggers'>): Conditions {
  const known: Record<string, ObjectSchema | string> = {
    total: { ...totalFields },
    quality: { ...qualityFields },
    now: timestamp,
    trigger: triggerSchema(Object.values(pipeline.triggers ?? {}).map((of) => kindOf(kinds.triggers, of))),
  };
  const before = environment();
  before
    .registerVariable('total', { schema: totalFields })
    .registerVariable('quality', { schema: qualityFields })
    .registerVariable('now', timestamp)
    .registerVariable('trigger', { schema: known.trigger as ObjectSchema });
  for (const [name, source] of Object.entries(pipeline.sources)) {
    // The columns of a table are known once it is measured; declared ones are checked at once.
    const { isTable } = kindOf(kinds.sources, source);
    const columns = columnsOf(source);
    const times = columns.filter(({ type }) => type === 'timestamp' || type === 'date');
    const schema: ObjectSchema = {
      ...sourceFields,
      nulls: isTable
        ? 'map<string, int>'
        : schemaOf(
            columns.map((c) => c.name),
            'int',
          ),
      latest: isTable
        ? `map<string, ${timestamp}>`
        : schemaOf(
            times.map((c) => c.name),
            timestamp,
          ),
      last: schemaOf(lastFields, 'int'),
    };
    known[name] = schema;
    before.registerVariable(name, { schema });
  }
  const runFields = { name: 'string', pipeline: 'string' } as const;
  known.run = { ...runFields };
  const sources = Object.keys(pipeline.sources);
  const checks = declareNormal(before.clone(), (path) => comparedProblem(path, sources));
  const branches = elsewhere(before.clone());
  const within = branches
    .clone()
    .registerVariable('branch', 'string')
    .registerVariable('steps', 'map<string, dyn>')
    .registerVariable('run', { schema: runFields });
  return {
    check: (expression, place) =>
      problemOf(isWithin(place) ? within : place === 'check' ? checks : branches, expression, known, place),
  };
}

function problemOf(
  env: Environment,
  expression: string,
  known: Readonly<Record<string, unknown>>,
  place: Place,
): string | undefined {
  const result = env.check(expression);
  if (result.valid)
    return result.type === 'bool' || result.type === 'dyn' || place === 'call'
      ? undefined
      : `is of type ${result.type}, expected true or false`;
  const { summary, range, code } = result.error as {
    summary: string;
    range?: { start: number; end: number };
    code: string;
  };
  const word = range ? expression.slice(range.start, range.end) : '';
  return `${summary}${range ? ` at character ${range.start + 1}` : ''}${hint(code, word, expression, range?.start ?? 0, known, place)}`;
}

const isWithin = (place: Place): boolean => place === 'step' || place === 'call';

function hint(
  code: string,
  word: string,
  expression: string,
  start: number,
  known: Readonly<Record<string, unknown>>,
  place: Place,
): string {
  const names = [...Object.keys(known), ...(isWithin(place) ? ['branch', 'steps'] : [])].filter(
    (name) => isWithin(place) || name !== 'run',
  );
  if (code === 'unknown_variable') return didYouMean(word, names) || ` (known here: ${names.join(', ')})`;
  if (code !== 'no_such_key') return '';
  const parents = /([a-z0-9_.]+)\.$/.exec(expression.slice(0, start))?.[1]?.split('.') ?? [];
  let fields: unknown = known;
  for (const parent of parents) fields = ownOf(fields, parent);
  const keys = fields !== null && typeof fields === 'object' ? Object.keys(fields) : [];
  return didYouMean(word, keys) || (keys.length > 0 ? ` (known here: ${keys.join(', ')})` : '');
}

const schemaOf = (names: readonly string[], type: string): ObjectSchema =>
  Object.fromEntries(names.map((name) => [name, type]));

/** Whether a measure is as in earlier runs, by its path. */
type IsNormal = (path: string) => boolean;

/**
 * The value of a condition that has passed `check`. Throws a rejected SluiceError when it names a column that the table
 * lacks.
 */
export const holds = (expression: string, values: Values, isNormal?: IsNormal): boolean =>
  evaluate(expression, values, isNormal) === true;

/** The value of an expression as JSON. Throws a rejected SluiceError when it cannot be evaluated. */
export const evaluated = (expression: string, values: Values): unknown =>
  JSON.parse(
    JSON.stringify(evaluate(expression, values) ?? null, (_key, v) => (typeof v === 'bigint' ? Number(v) : v)),
  );

function evaluate(expression: string, values: Values, isNormal?: IsNormal): unknown {
  try {
    return bounded(() => evaluator(values, isNormal).evaluate(expression, values));
  } catch (error) {
    const { summary, message } = error as { summary?: string; message: string };
    throw rejected(`the condition "${expression}" cannot be evaluated: ${summary ?? message}`, 'correct the condition');
  }
}

function evaluator(values: Values, isNormal: IsNormal = () => true): Environment {
  const env = defineNormal(environment(), isNormal);
  for (const name of Object.keys(values)) env.registerVariable(name, 'dyn');
  return env;
}

/** The steps whose outcome an expression references. */
export const stepsIn = (expression: string): string[] => [
  ...new Set(
    nodesIn(expression).flatMap((node) => {
      const [of, member] = [node.args].flat() as unknown[];
      if ((node.op !== '.' && node.op !== '[]') || !isNode(of) || of.op !== 'id' || of.args !== 'steps') return [];
      const name = isNode(member) ? member.args : member;
      return typeof name === 'string' ? name : [];
    }),
  ),
];

/**
 * The values that a condition uses, as `total.rows = 1000000`, without those that are compared with earlier runs.
 * Numbers are rounded to four digits.
 */
export function operands(expression: string, values: Values): string[] {
  const paths = new Set<string>();
  collect(evaluator(values).parse(expression).ast, paths);
  return [...paths].map((path) => {
    const value = path.split('.').reduce<unknown>(ownOf, values);
    const shown = typeof value === 'number' ? Number(value.toFixed(4)) : value;
    return `${path} = ${typeof shown === 'object' ? JSON.stringify(shown).slice(0, 80) : String(shown)}`;
  });
}

const ownOf = (of: unknown, name: string): unknown =>
  of !== null && typeof of === 'object' && Object.hasOwn(of, name) ? (of as Values)[name] : undefined;

function collect(node: ASTNode, paths: Set<string>): void {
  const path = pathOf(node);
  if (path !== undefined) {
    paths.add(path);
    return;
  }
  if (!isNormalCall(node)) for (const child of childrenOf(node)) collect(child, paths);
}
