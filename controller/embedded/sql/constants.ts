import { literal } from '../../clients/sql.ts';
import type { Node } from './ast.ts';
import { retyped, type Typed, textOf } from './typed.ts';
import { decimal, type SparkType, types, Untranslatable } from './types.ts';

type Value = number | string | { readonly upper: number | string; readonly lower: number | string };

/** A whole number of up to 128 bits. */
const wholeOf = (value: Value): bigint =>
  typeof value === 'object' ? (BigInt(value.upper) << 64n) + BigInt(value.lower) : BigInt(value);

/** A constant of the query. */
export function constant(node: Node): Typed {
  const {
    type,
    is_null: isNull,
    value,
  } = node.value as {
    type: { id: string; type_info?: { width: number; scale: number } };
    is_null: boolean;
    value: unknown;
  };
  if (isNull) return { sql: 'NULL', type: types.null };
  switch (type.id) {
    case 'VARCHAR':
      // Empty and default values are left out of the tree.
      return textOf(String(value ?? ''));
    case 'BOOLEAN':
      return { sql: String(value ?? false), type: types.boolean };
    case 'DOUBLE':
      return retyped(`'${value ?? 0}'`, types.double);
    case 'INTEGER':
    case 'BIGINT': {
      const digits = String(wholeOf((value ?? 0) as Value));
      // DuckDB reads the smallest int as a bigint without its sign.
      const isInt = BigInt.asIntN(32, BigInt(digits)) === BigInt(digits);
      return { ...retyped(digits, isInt ? types.int : types.bigint), digits };
    }
    case 'DECIMAL':
      return decimalConstant(wholeOf((value ?? 0) as Value), type.type_info?.scale ?? 0);
    default:
      throw new Untranslatable(`a constant of type ${type.id.toLowerCase()}`, node.query_location);
  }
}

/** A decimal as Spark reads it: with no more digits than are written, but at least those after the point. */
function decimalConstant(unscaled: bigint, scale: number): Typed {
  const digits = String(unscaled).replace('-', '');
  const type: SparkType = decimal(Math.max(digits.length, scale), scale);
  const padded = digits.padStart(scale + 1, '0');
  const text = `${unscaled < 0n ? '-' : ''}${padded.slice(0, padded.length - scale)}.${padded.slice(padded.length - scale)}`;
  return retyped(literal(text), type);
}
