import { literal } from '../../clients/sql.ts';
import { arg, constant, number, refuse, same, type Translation } from './arguments.ts';
import { types } from './types.ts';

const { string, int, boolean } = types;

const substring: Translation = (args, at) => {
  const from = Math.max(1, number(args, 1, 0, at));
  const length = args.length < 3 ? '' : `, ${number(args, 2, 0, at)}`;
  return { sql: `substring(${arg(args, 0, string, at)}, ${from}${length})`, type: string };
};

const side =
  (name: string): Translation =>
  (args, at) => ({ sql: `${name}(${arg(args, 0, string, at)}, ${number(args, 1, 0, at)})`, type: string });

const padded =
  (name: string): Translation =>
  (args, at) => ({
    sql: `${name}(${arg(args, 0, string, at)}, ${number(args, 1, 0, at)}, ${literal(args.length < 3 ? ' ' : constant(args, 2, at))})`,
    type: string,
  });

const cased =
  (name: string): Translation =>
  (args, at) => ({ sql: `${name}(sluice_cased(${arg(args, 0, string, at)}))`, type: string });

const joined: Translation = (args, at) => {
  if (args.length === 0) refuse('it has no arguments', at);
  return { sql: `(${args.map((_, i) => arg(args, i, string, at)).join(' || ')})`, type: string };
};

/** Spark trims spaces, and no other white space. */
const trimmed =
  (name: string): Translation =>
  (args, at) => {
    if (args.length !== 1) refuse('which characters to trim is written differently', at);
    return { sql: `${name}(${arg(args, 0, string, at)}, ' ')`, type: string };
  };

/** Functions of texts, by Spark's name. */
export const textFunctions: Readonly<Record<string, Translation>> = {
  length: same('length', [string], int),
  char_length: same('length', [string], int),
  character_length: same('length', [string], int),
  substring,
  substr: substring,
  left: side('left'),
  right: side('right'),
  lpad: padded('lpad'),
  rpad: padded('rpad'),
  lower: cased('lower'),
  lcase: cased('lower'),
  upper: cased('upper'),
  ucase: cased('upper'),
  trim: trimmed('trim'),
  ltrim: trimmed('ltrim'),
  rtrim: trimmed('rtrim'),
  concat: joined,
  '||': joined,
  concat_ws: (args, at) => ({
    sql: `concat_ws(${args.map((_, i) => arg(args, i, string, at)).join(', ')})`,
    type: string,
  }),
  replace: (args, at) => ({
    sql: `replace(${arg(args, 0, string, at)}, ${literal(constant(args, 1, at))}, ${args.length < 3 ? "''" : arg(args, 2, string, at)})`,
    type: string,
  }),
  instr: same('instr', [string, string], int),
  startswith: same('starts_with', [string, string], boolean),
  endswith: same('ends_with', [string, string], boolean),
  contains: same('contains', [string, string], boolean),
  md5: same('md5', [string], string),
};
