import type { ASTNode, Environment } from '@marcbachmann/cel-js';
import { childrenOf, nodesIn, pathOf } from './ast.ts';

/** `normal(SOURCE.MEASURE)` in the checks of a pipeline: whether a measure is as in comparable earlier runs. */

const name = 'normal';
const plain = ['rows', 'valid', 'invalid', 'invalid_ratio', 'duplicates', 'bytes', 'new'];
const ofColumn = ['nulls', 'latest'];

/** What cel-js calls while it checks and evaluates; its own types leave it open. */
interface Checker {
  check(node: ASTNode, context: unknown): unknown;
  getType(name: string): unknown;
  createError(code: string, message: string, node: ASTNode): Error;
}

/** Makes the function known for checking an expression; `problem` refuses an argument. */
export function declareNormal(env: Environment, problem: (path: string) => string | undefined): Environment {
  return register(env, (checker, argument, context) => {
    checker.check(argument, context);
    const found = problem(pathOf(argument) ?? '');
    if (found !== undefined) throw checker.createError('invalid_macro_argument', found, argument);
  });
}

/** Makes the function known for evaluating an expression that has passed the check. */
export const defineNormal = (env: Environment, isNormal: (path: string) => boolean): Environment =>
  register(env, () => undefined, isNormal);

const register = (
  env: Environment,
  check: (checker: Checker, argument: ASTNode, context: unknown) => void,
  isNormal: (path: string) => boolean = () => true,
): Environment =>
  env.registerFunction(`${name}(ast): bool`, ({ args: [argument] }: { args: [ASTNode] }) => ({
    typeCheck(checker: Checker, _: unknown, context: unknown) {
      check(checker, argument, context);
      return checker.getType('bool');
    },
    evaluate: () => isNormal(pathOf(argument) ?? ''),
  }));

/** Why a path cannot be compared with earlier runs; undefined when it can. */
export function comparedProblem(path: string, sources: readonly string[]): string | undefined {
  const [source = '', field = '', ...column] = path.split('.');
  if (sources.includes(source) && (ofColumn.includes(field) ? column.length === 1 : column.length === 0))
    if (plain.includes(field) || ofColumn.includes(field)) return undefined;
  // The place of what is wrong follows.
  return `normal() takes SOURCE.${plain.join(', .')}, ${ofColumn.map((each) => `.${each}.COLUMN`).join(' or ')}, not what is`;
}

/** Why the function cannot be used in other places than checks. */
export const onlyInChecks = (): string => 'normal() is for `expect` of checks';

export const isNormalCall = (node: ASTNode): boolean => node.op === 'call' && node.args[0] === name;

/** The paths that an expression compares, each once. */
export const normalIn = (expression: string): string[] => [
  ...new Set(
    nodesIn(expression)
      .filter(isNormalCall)
      .flatMap((call) => childrenOf(call).flatMap((argument) => pathOf(argument) ?? [])),
  ),
];
