import { number, refuse, type Translation } from './arguments.ts';
import { textFunctions } from './text-functions.ts';
import { timeFunctions } from './time-functions.ts';
import { alike, cast, retyped } from './typed.ts';
import { decimal, isIntegral, nameOf, types } from './types.ts';

const { bigint, boolean } = types;

/** `floor` and `ceil`: a decimal stays one, everything else becomes a bigint. */
const whole =
  (name: string): Translation =>
  (args, at) => {
    const [x] = args;
    if (!x || args.length !== 1) return refuse('it has one argument', at);
    if (isIntegral(x.type)) return cast(x, bigint);
    if (x.type.is === 'double') return retyped(`${name}(${x.sql})`, bigint);
    if (x.type.is !== 'decimal') return refuse(`${nameOf(x.type)} is no number`, at);
    const { precision, scale } = x.type;
    return retyped(`${name}(${x.sql})`, scale === 0 ? x.type : decimal(precision - scale + 1, 0));
  };

const round: Translation = (args, at) => {
  const [x] = args;
  const places = args.length === 1 ? 0 : number(args, 1, 0, at);
  if (!x) return refuse('too few arguments', at);
  if (isIntegral(x.type)) return x;
  if (x.type.is === 'double' && places === 0) return retyped(`(round(${x.sql}) + 0.0)`, x.type);
  if (x.type.is !== 'decimal') return refuse(`a ${nameOf(x.type)} to ${places} places; cast it to a decimal`, at);
  const { precision, scale } = x.type;
  const kept = Math.min(scale, places);
  const type = decimal(Math.min(38, precision - scale + 1 + kept), kept);
  return kept === scale ? cast(x, type) : retyped(`round(${x.sql}, ${kept})`, type);
};

/** A function of DuckDB that returns one of its arguments. */
const oneOf =
  (name: string): Translation =>
  (args, at) => {
    const { all, type } = alike(args, at);
    return { sql: `${name}(${all.map(({ sql }) => sql).join(', ')})`, type };
  };

export const coalesce = oneOf('coalesce');

/** The functions that both engines have with one meaning, by Spark's name. */
export const functions: ReadonlyMap<string, Translation> = new Map<string, Translation>(
  Object.entries({
    abs: (args, at) => {
      const [x] = args;
      return x && (isIntegral(x.type) || x.type.is === 'decimal' || x.type.is === 'double')
        ? retyped(`abs(${x.sql})`, x.type)
        : refuse('it is for numbers', at);
    },
    floor: whole('floor'),
    ceil: whole('ceil'),
    ceiling: whole('ceil'),
    round,
    coalesce,
    ifnull: coalesce,
    nvl: coalesce,
    greatest: oneOf('greatest'),
    least: oneOf('least'),
    nullif: (args, at) => {
      const [x, y] = args;
      if (!x || !y) return refuse('it has two arguments', at);
      const { all } = alike([x, y], at);
      return { sql: `(CASE WHEN ${all[0]?.sql} = ${all[1]?.sql} THEN NULL ELSE ${x.sql} END)`, type: x.type };
    },
    nvl2: (args, at) => {
      const [x, ...two] = args;
      const { all, type } = alike(two, at);
      return { sql: `(CASE WHEN ${x?.sql} IS NOT NULL THEN ${all[0]?.sql} ELSE ${all[1]?.sql} END)`, type };
    },
    isnull: ([x]) => ({ sql: `(${x?.sql} IS NULL)`, type: boolean }),
    isnotnull: ([x]) => ({ sql: `(${x?.sql} IS NOT NULL)`, type: boolean }),
    ...textFunctions,
    ...timeFunctions,
  } satisfies Record<string, Translation>),
);
