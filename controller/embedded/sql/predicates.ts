import type { Node } from './ast.ts';
import { alike, retyped, type Typed } from './typed.ts';
import { decimal, isNumeric, nameOf, types, Untranslatable } from './types.ts';

/** The parsers differ in which of two predicates binds first, and the tree has no parentheses. */
export function noPredicate(...operands: readonly unknown[]): void {
  for (const operand of operands as Node[]) {
    const isLike = operand.class === 'FUNCTION' && /^!?~~$/.test(String(operand.function_name));
    const isTest = operand.class === 'OPERATOR' && /_IN$|_NULL$/.test(operand.type);
    if (isLike || isTest || operand.class === 'COMPARISON' || operand.class === 'BETWEEN')
      throw new Untranslatable('a comparison within a comparison; name it in a subquery first', operand.query_location);
  }
}

export const truth = (sql: string): Typed => ({ sql: `(${sql})`, type: types.boolean });

/** DuckDB's operators by the types of its tree. */
export const betweens: Readonly<Record<string, string>> = {
  COMPARE_BETWEEN: 'BETWEEN',
  COMPARE_NOT_BETWEEN: 'NOT BETWEEN',
};
export const comparisons: Readonly<Record<string, string>> = {
  COMPARE_EQUAL: '=',
  COMPARE_NOTEQUAL: '<>',
  COMPARE_LESSTHAN: '<',
  COMPARE_GREATERTHAN: '>',
  COMPARE_LESSTHANOREQUALTO: '<=',
  COMPARE_GREATERTHANOREQUALTO: '>=',
  COMPARE_DISTINCT_FROM: 'IS DISTINCT FROM',
  COMPARE_NOT_DISTINCT_FROM: 'IS NOT DISTINCT FROM',
};

/** A comparison of two expressions, widened as Spark does. */
export function compared(operator: string, sides: readonly Typed[], at: number | undefined): Typed {
  const [a, b] = sides.map((side) =>
    // A constant integer beside a decimal has only the digits that it has.
    side.digits !== undefined && sides.some(({ type }) => type.is === 'decimal')
      ? retyped(side.sql, decimal(side.digits.replace('-', '').length, 0))
      : side,
  );
  const { all } = alike([a as Typed, b as Typed], at);
  return truth(`${all[0]?.sql} ${operator} ${all[1]?.sql}`);
}

export function sign(operator: string, of: Typed, at: number | undefined): Typed {
  if (!isNumeric(of.type) || !/^[-+]$/.test(operator)) throw new Untranslatable(`${operator} ${nameOf(of.type)}`, at);
  return retyped(`(${operator} ${of.sql})`, of.type);
}

export function like(operator: string, [text, pattern]: readonly Typed[], at: number | undefined): Typed {
  if (text?.type.is !== 'string' || pattern?.text === undefined || pattern.text.includes('\\'))
    throw new Untranslatable('LIKE needs a text, and a constant pattern without a backslash', at);
  return truth(`${text.sql} ${operator === '~~' ? '' : 'NOT '}LIKE ${pattern.sql}`);
}
