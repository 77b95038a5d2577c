import { cast, retyped, type Typed } from './typed.ts';
import {
  asDecimal,
  commonType,
  decimal,
  exactDecimal,
  isIntegral,
  isNumeric,
  maximumPrecision,
  nameOf,
  type SparkType,
  types,
  Untranslatable,
} from './types.ts';

type Decimal = Extract<SparkType, { is: 'decimal' }>;

/** Spark gives an integer constant beside a decimal only the digits that it has. */
const decimalOf = ({ type, digits }: Typed): Decimal =>
  digits === undefined ? asDecimal(type) : (decimal(digits.replace('-', '').length, 0) as Decimal);

/** `a operator b` for `+ - * / % //` as Spark's ANSI mode computes it. */
export function arithmetic(operator: string, a: Typed, b: Typed, at?: number): Typed {
  const date = dateArithmetic(operator, a, b);
  if (date) return date;
  for (const { type } of [a, b])
    if (!isNumeric(type) || type.is === 'float' || type.is === 'smallint')
      throw new Untranslatable(`${nameOf(a.type)} ${operator} ${nameOf(b.type)}; write a CAST`, at);
  const isDouble = a.type.is === 'double' || b.type.is === 'double';
  const isDecimal = !isDouble && (a.type.is === 'decimal' || b.type.is === 'decimal');
  if (isDecimal) return ofDecimals(operator, a, b, at);
  if (operator === '//') {
    if (!isIntegral(a.type) || !isIntegral(b.type)) throw new Untranslatable('DIV of numbers with fractions', at);
    return retyped(`${a.sql} // ${divisor(a, b)}`, types.bigint);
  }
  const type = operator === '/' ? types.double : commonType(a.type, b.type, at);
  const [x, y] = [cast(a, type, at), cast(b, type, at)];
  const right = operator === '/' || operator === '%' ? divisor(x, y) : y.sql;
  return retyped(`(${x.sql} ${operator} ${right})`, type);
}

const divisor = (a: Typed, b: Typed): string => `sluice_divisor(${a.sql}, ${b.sql})`;

function dateArithmetic(operator: string, a: Typed, b: Typed): Typed | undefined {
  const isDays = a.type.is === 'date' && b.type.is === 'int';
  if (!isDays || (operator !== '+' && operator !== '-')) return undefined;
  return retyped(`(${a.sql} ${operator} ${b.sql})`, types.date);
}

function ofDecimals(operator: string, a: Typed, b: Typed, at?: number): Typed {
  const [x, y] = [decimalOf(a), decimalOf(b)];
  const what = `${nameOf(x)} ${operator} ${nameOf(y)}`;
  const scale = Math.max(x.scale, y.scale);
  switch (operator) {
    case '+':
    case '-': {
      const type = exactDecimal(
        Math.max(x.precision - x.scale, y.precision - y.scale) + scale + 1,
        scale,
        what,
        at,
      ) as Decimal;
      return retyped(`(${cast(a, type).sql} ${operator} ${cast(b, type).sql})`, type);
    }
    case '*': {
      const type = exactDecimal(x.precision + y.precision + 1, x.scale + y.scale, what, at);
      return retyped(`(${cast(a, x).sql} * ${cast(b, y).sql})`, type);
    }
    case '/':
      return quotient({ ...a, type: x, sql: cast(a, x).sql }, { ...b, type: y, sql: cast(b, y).sql }, at);
    default:
      throw new Untranslatable(`${what}: the embedded engine has it for integers and doubles only`, at);
  }
}

/**
 * Division of decimals: digits of the dividend and divisor as whole numbers of up to 38 digits, rounded half up as Spark
 * does.
 */
export function quotient(a: Typed, b: Typed, at?: number, type = quotientType(a.type, b.type)): Typed {
  const [x, y, z] = [asDecimal(a.type), asDecimal(b.type), asDecimal(type)];
  const shift = z.scale + y.scale - x.scale;
  if (shift < 0 || x.precision + shift > maximumPrecision || y.precision + y.scale >= maximumPrecision)
    throw new Untranslatable(
      `${nameOf(x)} / ${nameOf(y)} needs more digits than ${maximumPrecision}; cast its operands to smaller decimals`,
      at,
    );
  const whole = (sql: string, { scale }: Decimal): string =>
    scale === 0
      ? `CAST(${sql} AS HUGEINT)`
      : `CAST(replace(CAST(CAST(${sql} AS DECIMAL(38,${scale})) AS VARCHAR), '.', '') AS HUGEINT)`;
  const n = `(${whole(a.sql, x)} * CAST('1${'0'.repeat(shift)}' AS HUGEINT))`;
  const q = `sluice_quotient(${n}, ${whole(divisor(a, b), y)})`;
  return retyped(`sluice_pointed(${q}, ${z.scale})`, z);
}

/** Spark's type of a quotient: at least six digits after the point, fewer than all when they do not fit. */
function quotientType(a: SparkType, b: SparkType): SparkType {
  const [x, y] = [asDecimal(a), asDecimal(b)];
  const before = x.precision - x.scale + y.scale;
  const scale = Math.max(6, x.scale + y.precision + 1);
  if (before + scale <= maximumPrecision) return decimal(before + scale, scale);
  return decimal(maximumPrecision, Math.max(maximumPrecision - before, Math.min(scale, 6)));
}
