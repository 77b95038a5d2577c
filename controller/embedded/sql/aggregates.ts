import { quotient } from './arithmetic.ts';
import { retyped, type Typed } from './typed.ts';
import { decimal, isIntegral, nameOf, type SparkType, types, Untranslatable } from './types.ts';

/** Writes a call of a DuckDB aggregate with the DISTINCT, FILTER and OVER of the original. */
export type Call = (name: string, args: readonly Typed[]) => string;

type Translation = (args: readonly Typed[], call: Call, at: number | undefined) => Typed;

function only(args: readonly Typed[], at: number | undefined): Typed {
  const [x, ...more] = args;
  if (!x || more.length > 0) throw new Untranslatable(`it has ${args.length} arguments, not 1`, at);
  return x;
}

const unordered = (type: SparkType, at: number | undefined): never => {
  throw new Untranslatable(
    type.is === 'double' || type.is === 'float'
      ? `of ${nameOf(type)}, which depends on the order of the rows; cast it to a decimal`
      : `of ${nameOf(type)}`,
    at,
  );
};

/** Spark gives a sum of decimals ten more digits. */
const summed = ({ precision, scale }: Extract<SparkType, { is: 'decimal' }>): SparkType =>
  decimal(Math.min(38, precision + 10), scale);

const sum: Translation = (args, call, at) => {
  const x = only(args, at);
  if (isIntegral(x.type)) return retyped(call('sum', [x]), types.bigint);
  if (x.type.is === 'decimal') return retyped(call('sum', [x]), summed(x.type));
  return unordered(x.type, at);
};

const average: Translation = (args, call, at) => {
  const x = only(args, at);
  if (x.type.is === 'int' || x.type.is === 'smallint') {
    const [total, count] = [call('sum', [x]), call('count', [x])];
    return { sql: `(CAST(${total} AS DOUBLE) / nullif(CAST(${count} AS DOUBLE), 0))`, type: types.double };
  }
  if (x.type.is !== 'decimal') return unordered(x.type, at);
  const { precision, scale } = x.type;
  const total = retyped(call('sum', [x]), summed(x.type));
  const count = retyped(call('count', [x]), decimal(20, 0));
  const counted = { ...count, sql: `nullif(${count.sql}, 0)` };
  return quotient(total, counted, at, decimal(Math.min(38, precision + 4), Math.min(38, scale + 4)));
};

const keeps =
  (name: string): Translation =>
  (args, call, at) => {
    const x = only(args, at);
    return { sql: call(name, [x]), type: x.type };
  };

const truth =
  (name: string): Translation =>
  (args, call, at) => {
    const x = only(args, at);
    if (x.type.is !== 'boolean') unordered(x.type, at);
    return { sql: call(name, [x]), type: types.boolean };
  };

/** The aggregates that both engines have with one meaning, by Spark's name. */
export const aggregates: ReadonlyMap<string, Translation> = new Map<string, Translation>([
  ['count_star', (_args, call) => retyped(call('count_star', []), types.bigint)],
  ['count', (args, call, at) => retyped(call('count', [only(args, at)]), types.bigint)],
  ['count_if', (args, call, at) => retyped(`coalesce(${call('count_if', [only(args, at)])}, 0)`, types.bigint)],
  ['sum', sum],
  ['avg', average],
  ['mean', average],
  ['min', keeps('min')],
  ['max', keeps('max')],
  ['every', truth('bool_and')],
  ['bool_and', truth('bool_and')],
  ['some', truth('bool_or')],
  ['any', truth('bool_or')],
  ['bool_or', truth('bool_or')],
]);
