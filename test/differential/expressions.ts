import { pick, type Random } from '../../controller/demo/random.ts';

/** The types of random expressions. */
export type Kind = 'int' | 'bigint' | 'double' | 'decimal' | 'string' | 'date' | 'timestamp' | 'boolean';
export const kinds: readonly Kind[] = ['int', 'bigint', 'double', 'decimal', 'string', 'date', 'timestamp', 'boolean'];

/** The columns that expressions may use, by type. */
export type Columns = Readonly<Record<Kind, readonly string[]>>;

const literals: Readonly<Record<Kind, readonly string[]>> = {
  int: ['0', '1', '-1', '7', '100', '2147483647'],
  bigint: ['CAST(0 AS bigint)', '3000000000', '-5000000000'],
  double: ['CAST(0.5 AS double)', '1e3', '-2.5e-3', 'CAST(3 AS double)'],
  decimal: ['0.01', '1.00', '-12.345', '90.00', '100.5', '0.1'],
  string: [
    `''`,
    `'a'`,
    `'two words'`,
    `'кириллица'`,
    `"double \\"quoted\\""`,
    `'it\\'s'`,
    `' spaces '`,
    `'日本語'`,
    `'a_b%'`,
  ],
  date: [`DATE '2024-02-29'`, `DATE '1999-12-31'`, `DATE '2026-11-25'`],
  timestamp: [`TIMESTAMP '2024-02-29 23:59:59'`, `TIMESTAMP '1969-12-31 23:59:59.5'`],
  boolean: ['true', 'false'],
};

type Make = (of: (kind: Kind) => string, random: Random) => string;

/** Ways to make an expression of a type from others. */
const makes: Readonly<Record<Kind, readonly Make[]>> = {
  int: [
    (of) => `length(${of('string')})`,
    (of) => `year(${of('date')})`,
    (of) => `month(${of('timestamp')})`,
    (of) => `dayofweek(${of('date')})`,
    (of) => `weekofyear(${of('date')})`,
    (of) => `hour(${of('timestamp')})`,
    (of) => `datediff(${of('date')}, ${of('date')})`,
    (of) => `CAST(${of('boolean')} AS int)`,
    (of) => `(${of('int')} % nullif(${of('int')}, 0))`,
    (of) => `instr(${of('string')}, 'a')`,
    (of) => `CAST(${of('decimal')} AS int)`,
    (of) => `extract(quarter FROM ${of('date')})`,
    (of) => `CAST(CAST(${of('int')} AS string) AS int)`,
  ],
  bigint: [
    (of) => `CAST(${of('int')} AS bigint)`,
    (of) => `(${of('int')} + ${of('bigint')})`,
    (of) => `(CAST(${of('int')} AS bigint) * 3)`,
    (of) => `floor(${of('decimal')})`,
    (of) => `ceil(${of('double')})`,
    (of) => `unix_seconds(${of('timestamp')})`,
    (of) => `(${of('int')} DIV nullif(${of('int')}, 0))`,
    (of) => `-(${of('bigint')})`,
    (of) => `CAST(${of('timestamp')} AS bigint)`,
  ],
  double: [
    (of) => `CAST(${of('int')} AS double)`,
    (of) => `(${of('int')} / nullif(${of('int')}, 0))`,
    (of) => `abs(${of('double')})`,
    (of) => `CAST(${of('decimal')} AS double)`,
    (of) => `(${of('double')} + ${of('int')})`,
    (of) => `round(${of('double')})`,
  ],
  decimal: [
    (of) => `CAST(${of('int')} AS decimal(12, 2))`,
    (of) => `(${of('decimal')} + ${of('decimal')})`,
    (of) => `(${of('decimal')} * ${of('decimal')})`,
    (of) => `(${of('decimal')} / nullif(${of('decimal')}, 0))`,
    (of) => `(${of('decimal')} - ${of('int')})`,
    (of, random) => `round(${of('decimal')}, ${pick(random, [0, 1, 2, 3])})`,
    (of) => `CAST(${of('double')} AS decimal(30, 6))`,
    (of) => `CAST(${of('decimal')} AS decimal(30, 1))`,
    (of) => `abs(${of('decimal')})`,
    (of) => `(${of('int')} / ${pick0(of)})`,
  ],
  string: [
    (of) => `concat(${of('string')}, ${of('string')})`,
    (of) => `(${of('string')} || '-' || ${of('string')})`,
    (of) => `upper(${of('string')})`,
    (of) => `lower(${of('string')})`,
    (of, random) => `substring(${of('string')}, ${pick(random, [0, 1, 2, 5])}, ${pick(random, [0, 1, 3])})`,
    (of) => `trim(${of('string')})`,
    (of) => `rtrim(${of('string')})`,
    (of) => `replace(${of('string')}, 'a', 'bb')`,
    (of) => `lpad(${of('string')}, 6, 'xy')`,
    (of) => `left(${of('string')}, 3)`,
    (of) => `CAST(${of('int')} AS string)`,
    (of) => `CAST(${of('decimal')} AS string)`,
    (of) => `CAST(${of('date')} AS string)`,
    (of) => `CAST(${of('timestamp')} AS string)`,
    (of) => `CAST(${of('boolean')} AS string)`,
    (of) => `concat_ws('+', ${of('string')}, ${of('string')})`,
    (of) => `md5(${of('string')})`,
  ],
  date: [
    (of) => `CAST(${of('timestamp')} AS date)`,
    (of) => `date_add(${of('date')}, ${of('int')} % 50)`,
    (of) => `last_day(${of('date')})`,
    (of, random) => `trunc(${of('date')}, '${pick(random, ['MM', 'year', 'WEEK', 'quarter'])}')`,
    (of) => `add_months(${of('date')}, ${of('int')} % 30)`,
    (of) => `to_date(CAST(${of('date')} AS string))`,
    (of) => `(${of('date')} - 3)`,
  ],
  timestamp: [
    (of, random) => `date_trunc('${pick(random, ['day', 'MONTH', 'hour', 'week', 'year'])}', ${of('timestamp')})`,
    (of) => `CAST(${of('date')} AS timestamp)`,
    (of) => `timestamp_seconds(unix_seconds(${of('timestamp')}))`,
    (of) => `CAST(CAST(${of('timestamp')} AS string) AS timestamp)`,
  ],
  boolean: [
    ...(['int', 'bigint', 'decimal', 'string', 'date', 'timestamp', 'double'] as const).map(
      (kind): Make =>
        (of, random) =>
          `(${of(kind)} ${pick(random, ['=', '<', '>=', '<>', '<=>'])} ${of(kind)})`,
    ),
    (of) => `(${of('boolean')} AND ${of('boolean')})`,
    (of) => `(${of('boolean')} OR ${of('boolean')})`,
    (of) => `(NOT ${of('boolean')})`,
    (of, random) => `(${of(pick(random, kinds))} IS ${pick(random, ['', 'NOT '])}NULL)`,
    (of) => `(${of('string')} LIKE '%a%')`,
    (of) => `(${of('int')} IN (1, 2, ${of('int')}))`,
    (of) => `(${of('string')} NOT IN ('a', ${of('string')}))`,
    (of) => `(${of('int')} BETWEEN ${of('int')} AND ${of('bigint')})`,
    (of) => `(${of('date')} >= '2020-01-01')`,
    (of) => `startswith(${of('string')}, ${of('string')})`,
    (of) => `(${of('decimal')} > ${of('int')})`,
  ],
};
const pick0 = (of: (kind: Kind) => string): string => `nullif(CAST(${of('int')} AS decimal(5, 1)), 0)`;

/** Ways that work for every type. */
const anyMakes: readonly ((kind: Kind) => Make)[] = [
  (kind) => (of) => `CASE WHEN ${of('boolean')} THEN ${of(kind)} ELSE ${of(kind)} END`,
  (kind) => (of) => `CASE WHEN ${of('boolean')} THEN ${of(kind)} END`,
  (kind) => (of) => `coalesce(${of(kind)}, ${of(kind)})`,
  (kind) => (of) => `nullif(${of(kind)}, ${of(kind)})`,
  (kind) => (of) => `greatest(${of(kind)}, ${of(kind)})`,
  (kind) => (of) => `if(${of('boolean')}, ${of(kind)}, NULL)`,
  (kind) => (of) => `nvl(${of(kind)}, ${of(kind)})`,
];

/** A random expression of this type, in Spark's SQL. */
export function expression(random: Random, columns: Columns, kind: Kind, depth = 2): string {
  if (depth === 0 || random() < 0.15) {
    const own = columns[kind];
    if (own.length > 0 && random() < 0.8) return pick(random, own);
    return pick(random, literals[kind]);
  }
  const of = (inner: Kind): string => expression(random, columns, inner, depth - 1);
  const make = random() < 0.25 ? pick(random, anyMakes)(kind) : pick(random, makes[kind]);
  return make(of, random);
}
