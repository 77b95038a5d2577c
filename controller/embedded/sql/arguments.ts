import { cast, retyped, type Typed } from './typed.ts';
import { nameOf, type SparkType, Untranslatable } from './types.ts';

/** A function of Spark in DuckDB's SQL. Arguments are translated already. Throws Untranslatable. */
export type Translation = (args: readonly Typed[], at: number | undefined) => Typed;

export const refuse = (what: string, at: number | undefined): never => {
  throw new Untranslatable(what, at);
};

/** The argument at a place, of a wanted type. */
export function arg(args: readonly Typed[], place: number, type: SparkType, at: number | undefined): string {
  const given = args[place];
  if (!given) return refuse('too few arguments', at);
  if (given.type.is === type.is) return given.sql;
  if (given.type.is === 'null') return cast(given, type).sql;
  if (type.is === 'date' && given.type.is === 'timestamp') return cast(given, type).sql;
  if (type.is === 'timestamp' && given.type.is === 'date') return cast(given, type).sql;
  return refuse(`argument ${place + 1} is ${nameOf(given.type)}, not ${nameOf(type)}; write a CAST`, at);
}

/** A constant whole number, at least `least`. */
export function number(args: readonly Typed[], place: number, least: number, at: number | undefined): number {
  const value = Number(args[place]?.digits ?? Number.NaN);
  return value >= least ? value : refuse(`argument ${place + 1} must be a constant number from ${least} on`, at);
}

export function constant(args: readonly Typed[], place: number, at: number | undefined): string {
  const text = args[place]?.text;
  return text !== undefined && text !== '' ? text : refuse(`argument ${place + 1} must be a constant text`, at);
}

/** A function of DuckDB with the same meaning: its name, the types of its arguments, and its result. */
export const same =
  (name: string, of: readonly SparkType[], to: SparkType): Translation =>
  (args, at) => {
    if (args.length !== of.length) refuse(`it has ${args.length} arguments, not ${of.length}`, at);
    return retyped(`${name}(${of.map((type, i) => arg(args, i, type, at)).join(', ')})`, to);
  };
