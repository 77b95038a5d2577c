import { literal } from '../../clients/sql.ts';
import { arg, constant, refuse, same, type Translation } from './arguments.ts';
import { cast, retyped, seconds, type Typed } from './typed.ts';
import { isIntegral, type SparkType, types } from './types.ts';

const { int, bigint, date, timestamp } = types;

/** DuckDB's name of a field of a date or time, and what Spark adds to it. */
const part = (name: string, of: SparkType, added = 0): Translation => {
  const translation = same(name, [of], int);
  return (args, at) => {
    const found = translation(args, at);
    return added === 0 ? found : { ...found, sql: `(${found.sql} + ${added})` };
  };
};

const units: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second'].map((u) => [u, u])),
  yyyy: 'year',
  yy: 'year',
  mon: 'month',
  mm: 'month',
  dd: 'day',
};
function unit(args: readonly Typed[], place: number, at: number | undefined, allowed = /./): string {
  const known = units[constant(args, place, at).toLowerCase()];
  return known === undefined || !allowed.test(known)
    ? refuse(`there is no unit ${JSON.stringify(args[place]?.text)}`, at)
    : literal(known);
}

const shifted =
  (sign: string): Translation =>
  (args, at) => ({ sql: `CAST(${arg(args, 0, date, at)} ${sign} ${arg(args, 1, int, at)} AS DATE)`, type: date });

const converted =
  (to: SparkType): Translation =>
  (args, at) =>
    args.length === 1 && args[0] ? cast(args[0], to, at) : refuse('a format is not the same in both engines', at);

const truncated: Translation = (args, at) => ({
  // DuckDB takes a comparison of its own function with a constant for false when it is unknown.
  sql: `sluice_date_trunc(${unit(args, 0, at)}, ${arg(args, 1, timestamp, at)})`,
  type: timestamp,
});

/** `extract(year FROM x)` */
const extracted: Translation = (args, at) => {
  const name = constant(args, 0, at).toLowerCase();
  const known = timeFunctions[name as keyof typeof timeFunctions] as Translation | undefined;
  if (!known || !['year', 'quarter', 'month', 'day', 'hour', 'minute'].includes(name))
    return refuse(`extract of ${name}`, at);
  return known(args.slice(1), at);
};

/** Functions of dates and times, by Spark's name. */
export const timeFunctions: Readonly<Record<string, Translation>> = {
  year: part('year', date),
  quarter: part('quarter', date),
  month: part('month', date),
  day: part('day', date),
  dayofmonth: part('day', date),
  dayofyear: part('dayofyear', date),
  dayofweek: part('dayofweek', date, 1),
  weekofyear: part('weekofyear', date),
  hour: part('hour', timestamp),
  minute: part('minute', timestamp),
  date_part: extracted,
  extract: extracted,
  date_trunc: truncated,
  trunc: (args, at) => ({
    sql: `CAST(sluice_date_trunc(${unit(args, 1, at, /year|quarter|month|week/)}, ${arg(args, 0, date, at)}) AS DATE)`,
    type: date,
  }),
  date_add: shifted('+'),
  date_sub: shifted('-'),
  datediff: (args, at) => retyped(`(${arg(args, 0, date, at)} - ${arg(args, 1, date, at)})`, int),
  last_day: same('last_day', [date], date),
  add_months: (args, at) => ({
    sql: `CAST(${arg(args, 0, date, at)} + to_months(${arg(args, 1, int, at)}) AS DATE)`,
    type: date,
  }),
  to_date: converted(date),
  date: converted(date),
  to_timestamp: converted(timestamp),
  timestamp: converted(timestamp),
  unix_seconds: (args, at) => retyped(seconds(arg(args, 0, timestamp, at)), bigint),
  // Unlike unix_seconds, it cuts off.
  unix_timestamp: (args, at) => retyped(`(epoch_us(${arg(args, 0, timestamp, at)}) // 1000000)`, bigint),
  unix_micros: same('epoch_us', [timestamp], bigint),
  timestamp_seconds: (args, at) => ({
    sql: `make_timestamp(CAST(${args[0] && isIntegral(args[0].type) ? args[0].sql : refuse('it takes a whole number', at)} AS BIGINT) * 1000000)`,
    type: timestamp,
  }),
};
