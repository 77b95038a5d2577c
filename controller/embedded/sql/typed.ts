import { literal } from '../../clients/sql.ts';
import { commonType, duckTypeOf, nameOf, type SparkType, sameType, types, Untranslatable } from './types.ts';

/** An expression in DuckDB's SQL, with the type that it has in Spark. */
export interface Typed {
  readonly sql: string;
  readonly type: SparkType;
  /** The value of a constant: a text, or the digits of an integer. */
  readonly text?: string;
  readonly digits?: string;
}

/** Forces DuckDB's type to Spark's. For values that both have alike. */
export const retyped = (sql: string, type: SparkType): Typed => ({ sql: `CAST(${sql} AS ${duckTypeOf(type)})`, type });

/** The macros that translated SQL calls. Texts that the engines could read otherwise fail there. */
export const prelude = `
CREATE MACRO sluice_bad(what, x) AS error('[CAST_INVALID_INPUT] the embedded engine reads no ' || what || ' in "' || left(x, 60) || '"');
CREATE MACRO sluice_trimmed(x) AS regexp_replace(x, '^[\\x00-\\x20]+|[\\x00-\\x20]+$', '', 'g');
CREATE MACRO sluice_text(what, pattern, x) AS
  CASE WHEN x IS NULL THEN NULL WHEN regexp_full_match(sluice_trimmed(x), pattern) THEN sluice_trimmed(x) ELSE sluice_bad(what, x) END;
CREATE MACRO sluice_whole(x) AS sluice_text('whole number', '[+-]?[0-9]+', x);
CREATE MACRO sluice_number(x) AS sluice_text('number', '[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?', x);
CREATE MACRO sluice_date(x) AS sluice_text('date', '[0-9]{4}-[0-9]{2}-[0-9]{2}', x);
CREATE MACRO sluice_timestamp(x) AS sluice_text('time',
  '[0-9]{4}-[0-9]{2}-[0-9]{2}([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-](0[0-9]|1[0-7]):[0-5][0-9])?)?)?', x);
CREATE MACRO sluice_boolean(x) AS lower(sluice_text('truth value', '(?i)t|true|y|yes|1|f|false|n|no|0', x)) IN ('t', 'true', 'y', 'yes', '1');
CREATE MACRO sluice_divisor(a, b) AS
  CASE WHEN b = 0 AND a IS NOT NULL THEN error('[DIVIDE_BY_ZERO] division by zero') ELSE b END;
CREATE MACRO sluice_quotient(n, d) AS
  n // d + CASE WHEN 2 * abs(n % d) >= abs(d) THEN CASE WHEN (n < 0) = (d < 0) THEN 1 ELSE -1 END ELSE 0 END;
CREATE MACRO sluice_pointed(q, scale) AS CASE WHEN q < 0 THEN '-' ELSE '' END || regexp_replace(
  repeat('0', greatest(0, scale + 1 - length(CAST(abs(q) AS VARCHAR)))) || CAST(abs(q) AS VARCHAR),
  '^(.*)(.{' || scale || '})$', '\\1.\\2');
CREATE MACRO sluice_shown(x) AS CASE WHEN x < DATE '0001-01-01' OR x >= DATE '10000-01-01'
  THEN error('[UNSUPPORTED_YEAR] the embedded engine writes only the years 1 to 9999 as text') ELSE CAST(x AS VARCHAR) END;
CREATE MACRO sluice_decimal(x) AS regexp_replace(CAST(x AS VARCHAR), '^(-?)[.]', '\\10.');
CREATE MACRO sluice_date_trunc(unit, x) AS CASE WHEN x IS NULL THEN NULL ELSE date_trunc(unit, x) END;
CREATE MACRO sluice_cased(x) AS
  CASE WHEN regexp_full_match(x, '[\\x00-\\x7F\\x{A0}-\\x{DE}\\x{E0}-\\x{12F}\\x{131}-\\x{148}\\x{14A}-\\x{17F}\\x{300}-\\x{344}\\x{346}-\\x{36F}\\x{400}-\\x{52F}\\x{200B}-\\x{200F}\\p{Lo}\\p{N}\\p{P}\\p{S}\\p{Z}]*')
    THEN x ELSE error('[UNSUPPORTED_LETTERS] the embedded engine does not know the cases of all letters in "' || left(x, 60) || '"') END;
`;
/** A cast as Spark's ANSI mode does it. Throws for pairs of types without one, or that the engines print differently. */
export function cast(of: Typed, to: SparkType, at?: number): Typed {
  const { sql, type: from } = of;
  if (sameType(from, to)) return of;
  if (from.is === 'null') return retyped('NULL', to);
  const by = caster(from, to);
  if (by === undefined)
    throw new Untranslatable(`a cast from ${nameOf(from)} to ${nameOf(to)} is not the same in both engines`, at);
  return retyped(by(sql), to);
}

type Caster = (sql: string) => string;
const plain: Caster = (sql) => sql;
const viaText: Caster = (sql) => `CAST(${sql} AS VARCHAR)`;
/** Doubles hold this many decimal digits exactly. */
const exactDigits = 15;

function caster(from: SparkType, to: SparkType): Caster | undefined {
  const isInt = (type: SparkType): boolean => ['smallint', 'int', 'bigint'].includes(type.is);
  switch (from.is) {
    case 'boolean':
      return isInt(to) || to.is === 'string' ? plain : undefined;
    case 'smallint':
    case 'int':
    case 'bigint':
      return isInt(to) || ['decimal', 'double', 'string'].includes(to.is) ? plain : undefined;
    case 'float':
      return to.is === 'double' ? plain : undefined;
    case 'double':
      // Spark cuts off; DuckDB would round.
      if (isInt(to)) return (sql) => `trunc(${sql})`;
      return to.is === 'decimal' ? viaText : undefined;
    case 'decimal':
      if (isInt(to)) return (sql) => `trunc(${sql})`;
      if (to.is === 'double') return from.precision <= exactDigits ? plain : viaText;
      // DuckDB writes no zero before the point where the type has no digit for it.
      if (to.is === 'string') return from.precision === from.scale ? call('decimal') : plain;
      return to.is === 'decimal' ? plain : undefined;
    case 'date':
      if (to.is === 'string') return call('shown');
      return to.is === 'timestamp' ? plain : undefined;
    case 'timestamp':
      if (to.is === 'bigint') return seconds;
      if (to.is === 'string') return call('shown');
      return to.is === 'date' ? plain : undefined;
    case 'string':
      return isInt(to) ? call('whole') : textCasts[to.is];
    default:
      return undefined;
  }
}

const call =
  (macro: string): Caster =>
  (sql) =>
    `sluice_${macro}(${sql})`;
const textCasts: Partial<Record<SparkType['is'], Caster>> = {
  decimal: call('number'),
  double: call('number'),
  date: call('date'),
  boolean: call('boolean'),
  timestamp: (sql) => `(CAST(sluice_timestamp(${sql}) AS TIMESTAMPTZ) AT TIME ZONE 'UTC')`,
};

/** Seconds since 1970 of a timestamp, rounded down. */
export const seconds: Caster = (sql) =>
  `((epoch_us(${sql}) - ((epoch_us(${sql}) % 1000000 + 1000000) % 1000000)) // 1000000)`;

/** Widens several expressions to their common type. A constant text may become a date, a time or a number. */
export function alike(all: readonly Typed[], at?: number): { readonly all: Typed[]; readonly type: SparkType } {
  const fixed = all.filter(({ text, type }) => text === undefined || type.is !== 'string');
  const [first, ...rest] = (fixed.length > 0 ? fixed : all).map(({ type }) => type);
  const type = rest.reduce((a, b) => commonType(a, b, at), first ?? types.null);
  const common = fixed.length > 0 && type.is === 'null' ? types.string : besideText(type, all, at);
  return { all: all.map((each) => widened(each, common, at)), type: common };
}

/** Spark widens an integer beside a text to a bigint, and a decimal to a double. */
function besideText(type: SparkType, all: readonly Typed[], at: number | undefined): SparkType {
  if (type.is === 'string' || !all.some(({ text, type: own }) => text !== undefined && own.is === 'string'))
    return type;
  if (type.is === 'decimal') throw new Untranslatable('a text beside a decimal; write a CAST', at);
  return type.is === 'int' || type.is === 'smallint' ? types.bigint : type;
}

/** Converts implicitly where Spark does: to a wider type, or from a constant text. */
export function widened(of: Typed, to: SparkType, at?: number): Typed {
  if (of.type.is === 'string' && to.is !== 'string' && of.text === undefined)
    throw new Untranslatable(`string and ${nameOf(to)} meet; write a CAST`, at);
  return cast(of, to, at);
}

export const textOf = (text: string): Typed => ({ sql: literal(text), type: types.string, text });
