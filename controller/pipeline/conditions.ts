import { type ASTNode, Environment, type ObjectSchema } from '@marcbachmann/cel-js';
import { rejected } from '../errors.ts';
import { columnsOf, type Pipeline } from './schema.ts';
import { didYouMean } from './suggest.ts';

/** Conditions are CEL. What they may name follows from the pipeline, so a slip is found when the file is read. */
export interface Conditions {
  /** What is wrong with an expression, or undefined. `place` decides whether `branch` may be named. */
  check(expression: string, place: Place): string | undefined;
}
export type Place = 'check' | 'branch' | 'step';

/** What conditions see: whole numbers as bigint, ratios as number. */
export type Values = Readonly<Record<string, unknown>>;

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
const totalFields = { rows: 'int', valid: 'int', invalid: 'int', duplicates: 'int', bytes: 'int', new: 'int' } as const;
const qualityFields = { score: 'double' } as const;

export function conditionsOf(pipeline: Pipeline): Conditions {
  const known: Record<string, ObjectSchema> = { total: { ...totalFields }, quality: { ...qualityFields } };
  const before = environment();
  before.registerVariable('total', { schema: totalFields }).registerVariable('quality', { schema: qualityFields });
  for (const [name, source] of Object.entries(pipeline.sources)) {
    // A table's columns are known only once it is measured; declared ones are checked at once.
    const nulls = 'postgres' in source ? 'map<string, int>' : columnSchema(columnsOf(source).map((c) => c.name));
    const schema: ObjectSchema = { ...sourceFields, nulls };
    known[name] = schema;
    before.registerVariable(name, { schema });
  }
  const within = before.clone().registerVariable('branch', 'string');
  return {
    check(expression, place) {
      const result = (place === 'step' ? within : before).check(expression);
      if (result.valid) return result.type === 'bool' ? undefined : `is of type ${result.type}, expected true or false`;
      const { summary, range, code } = result.error as {
        summary: string;
        range?: { start: number; end: number };
        code: string;
      };
      const word = range ? expression.slice(range.start, range.end) : '';
      return `${summary}${range ? ` at character ${range.start + 1}` : ''}${hint(code, word, expression, range?.start ?? 0, known, place)}`;
    },
  };
}

function hint(
  code: string,
  word: string,
  expression: string,
  start: number,
  known: Record<string, ObjectSchema>,
  place: Place,
): string {
  const names = [...Object.keys(known), ...(place === 'step' ? ['branch'] : [])];
  if (code === 'unknown_variable') return didYouMean(word, names) || ` (known here: ${names.join(', ')})`;
  if (code !== 'no_such_key') return '';
  const parents = /([a-z0-9_.]+)\.$/.exec(expression.slice(0, start))?.[1]?.split('.') ?? [];
  let fields: unknown = known;
  for (const parent of parents) fields = (fields as Record<string, unknown> | undefined)?.[parent];
  const keys = fields !== null && typeof fields === 'object' ? Object.keys(fields) : [];
  return didYouMean(word, keys) || (keys.length > 0 ? ` (known here: ${keys.join(', ')})` : '');
}

const columnSchema = (names: readonly string[]): ObjectSchema =>
  Object.fromEntries(names.map((name) => [name, 'int' as const]));

const environment = (): Environment => new Environment({ homogeneousAggregateLiterals: false });

/** The value of a condition that `check` has passed. Throws a rejected SluiceError when it names a column the table lacks. */
export function holds(expression: string, values: Values): boolean {
  try {
    return evaluator(values).evaluate(expression, values) === true;
  } catch (error) {
    const { summary, message } = error as { summary?: string; message: string };
    throw rejected(`the condition "${expression}" cannot be judged: ${summary ?? message}`, 'correct the condition');
  }
}

function evaluator(values: Values): Environment {
  const env = environment();
  for (const name of Object.keys(values)) env.registerVariable(name, 'dyn');
  return env;
}

/** The values a condition looks at, as `total.rows = 1000000`; ratios rounded to four digits. */
export function operands(expression: string, values: Values): string[] {
  const paths = new Set<string>();
  collect(evaluator(values).parse(expression).ast, paths);
  return [...paths].map((path) => {
    const value = path
      .split('.')
      .reduce<unknown>((v, part) => (v as Record<string, unknown> | undefined)?.[part], values);
    return `${path} = ${typeof value === 'number' ? Number(value.toFixed(4)) : String(value)}`;
  });
}

function collect(node: ASTNode, paths: Set<string>): void {
  const path = pathOf(node);
  if (path !== undefined) {
    paths.add(path);
    return;
  }
  for (const arg of [node.args].flat(2)) if (isNode(arg)) collect(arg, paths);
}

function pathOf(node: ASTNode): string | undefined {
  if (node.op === 'id') return node.args;
  if (node.op !== '.') return undefined;
  const parent = pathOf(node.args[0]);
  return parent === undefined ? undefined : `${parent}.${node.args[1]}`;
}

const isNode = (value: unknown): value is ASTNode => value !== null && typeof value === 'object' && 'op' in value;
