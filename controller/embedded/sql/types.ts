/** A type of Spark SQL that the embedded engine computes with. */
export type SparkType =
  | { readonly is: Simple }
  | { readonly is: 'decimal'; readonly precision: number; readonly scale: number };
type Simple = 'null' | 'boolean' | 'smallint' | 'int' | 'bigint' | 'float' | 'double' | 'string' | 'date' | 'timestamp';

/** A construct that the embedded engine does not have, or has with another meaning. `at` is its offset in the query. */
export class Untranslatable extends Error {
  readonly at: number | undefined;

  constructor(message: string, at?: number) {
    super(message);
    this.at = at;
  }

  /** The same, with words before it that say where. */
  after(words: string, at?: number): Untranslatable {
    return new Untranslatable(`${words}: ${this.message}`, at);
  }
}

const simple = (is: Simple): SparkType => ({ is });
export const types = {
  null: simple('null'),
  boolean: simple('boolean'),
  smallint: simple('smallint'),
  int: simple('int'),
  bigint: simple('bigint'),
  float: simple('float'),
  double: simple('double'),
  string: simple('string'),
  date: simple('date'),
  timestamp: simple('timestamp'),
} as const;
export const decimal = (precision: number, scale: number): SparkType => ({ is: 'decimal', precision, scale });

/** The most digits of a decimal, for both engines. */
export const maximumPrecision = 38;

/** DuckDB's type names beside Spark's where they differ. A timestamp of Spark is an instant; here it is one in UTC. */
const duckNames: Readonly<Record<Simple, string>> = {
  null: 'INTEGER',
  boolean: 'BOOLEAN',
  smallint: 'SMALLINT',
  int: 'INTEGER',
  bigint: 'BIGINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  string: 'VARCHAR',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
};
export const duckTypeOf = (type: SparkType): string =>
  type.is === 'decimal' ? `DECIMAL(${type.precision},${type.scale})` : duckNames[type.is];

/** `decimal(18,2)` */
export const nameOf = (type: SparkType): string =>
  type.is === 'decimal' ? `decimal(${type.precision},${type.scale})` : type.is;

export const sameType = (a: SparkType, b: SparkType): boolean => nameOf(a) === nameOf(b);

/** Parses the name of a type in Spark's or DuckDB's spelling; undefined for a type without a counterpart. */
export function typeNamed(name: string): SparkType | undefined {
  const lower = name.toLowerCase();
  const [, precision, scale] = /^(?:decimal|numeric)\((\d+), *(\d+)\)$/.exec(lower) ?? [];
  if (precision !== undefined) return decimal(Number(precision), Number(scale));
  const known: Readonly<Record<string, SparkType>> = {
    ...types,
    integer: types.int,
    varchar: types.string,
    'timestamp with time zone': types.timestamp,
    // What a sum of integers is to DuckDB; Spark computes in bigint.
    hugeint: types.bigint,
  };
  return Object.hasOwn(known, lower) && lower !== 'null' ? known[lower] : undefined;
}

const integral: Partial<Record<SparkType['is'], number>> = { smallint: 5, int: 10, bigint: 20 };
export const isIntegral = ({ is }: SparkType): boolean => integral[is] !== undefined;
export const isNumeric = (type: SparkType): boolean =>
  isIntegral(type) || type.is === 'decimal' || type.is === 'double' || type.is === 'float';

/** An integer type as Spark widens it to meet a decimal. */
export function asDecimal(type: SparkType): Extract<SparkType, { is: 'decimal' }> {
  if (type.is === 'decimal') return type;
  return { is: 'decimal', precision: integral[type.is] ?? Number.NaN, scale: 0 };
}

/** A decimal type as Spark makes it; throws when Spark would drop digits to fit it into 38. */
export function exactDecimal(precision: number, scale: number, what: string, at?: number): SparkType {
  if (precision <= maximumPrecision) return decimal(precision, scale);
  throw new Untranslatable(
    `${what} needs ${precision} digits, and Spark would drop some to keep ${maximumPrecision}; cast its operands to smaller decimals`,
    at,
  );
}

/** The common type of the branches of CASE, COALESCE, UNION and the sides of a comparison, in Spark's ANSI mode. */
export function commonType(a: SparkType, b: SparkType, at?: number): SparkType {
  if (sameType(a, b) || b.is === 'null') return a;
  if (a.is === 'null') return b;
  const either = (is: SparkType['is']): boolean => a.is === is || b.is === is;
  if (isNumeric(a) && isNumeric(b) && !either('float')) {
    if (either('double')) return types.double;
    if (either('decimal')) {
      const [x, y] = [asDecimal(a), asDecimal(b)];
      const scale = Math.max(x.scale, y.scale);
      const digits = Math.max(x.precision - x.scale, y.precision - y.scale) + scale;
      return exactDecimal(digits, scale, `the common type of ${nameOf(a)} and ${nameOf(b)}`, at);
    }
    return either('bigint') ? types.bigint : types.int;
  }
  if (either('date') && either('timestamp')) return types.timestamp;
  throw new Untranslatable(`${nameOf(a)} and ${nameOf(b)} meet; write a CAST`, at);
}
