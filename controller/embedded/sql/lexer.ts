import { identifier, literal } from '../../clients/sql.ts';
import { Untranslatable } from './types.ts';

/** One statement `CREATE TEMP VIEW`, its query in the spelling of DuckDB's parser. */
export interface Statement {
  readonly view: string;
  /** New names for the columns of the query. */
  readonly columns: readonly string[] | undefined;
  readonly query: string;
  /** The line on which the query begins, from 1. */
  readonly line: number;
}

interface Token {
  readonly kind: 'word' | 'name' | 'text' | 'number' | 'sign' | 'space';
  readonly text: string;
  readonly line: number;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', 0: '\0', Z: '\x1a' };

/** The value of a Spark string literal without its quotes. `\%` and `\_` keep their backslash, for LIKE. */
const unescaped = (text: string): string =>
  text.replace(/\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[01][0-7]{2}|[\s\S])/g, (all, escaped: string) => {
    if (/^[uU]..../.test(escaped)) return String.fromCodePoint(Number.parseInt(escaped.slice(1), 16));
    if (/^[01][0-7]{2}$/.test(escaped)) return String.fromCharCode(Number.parseInt(escaped, 8));
    if (escaped === '%' || escaped === '_') return all;
    return escapes[escaped] ?? escaped;
  });

/** The spelling of an operator in DuckDB; undefined for one that it lacks, or uses for something else. */
const signs: Readonly<Record<string, string>> = {
  '<=>': ' IS NOT DISTINCT FROM ',
  '==': '=',
  '::': '::',
  '<=': '<=',
  '>=': '>=',
  '<>': '<>',
  '!=': '<>',
  '||': '||',
  ...Object.fromEntries([...'()+-*/%,.;=<>'].map((sign) => [sign, sign])),
};

/** Names like any other to Spark that are words of DuckDB's grammar. */
const reserved = new Set(
  `analyse analyze asof asymmetric at authorization binary check collate collation column columns concurrently constraint
   default deferrable describe do fetch foreign freeze generated glob initially into lambda map only overlaps pivot_longer
   pivot_wider placing positional primary qualify references returning show similar struct summarize symmetric table to
   unique unpack variadic verbose`.split(/\s+/),
);

/** Tokens of Spark SQL as DuckDB spells them. Comments become spaces; the line ends stay. */
function* tokensOf(sql: string): Generator<Token> {
  let at = 0;
  let line = 1;
  const rest = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(sql);
  };
  while (at < sql.length) {
    const refuse = (what: string): never => {
      throw new Untranslatable(`line ${line}: ${what}`);
    };
    const [kind, length, text] = ((): [Token['kind'], number, string] => {
      const space = rest(/(\s|--(\\\n|[^\r\n])*)+/y);
      if (space) return ['space', space[0].length, space[0].replace(/[^\n]+/g, ' ')];
      if (sql.startsWith('/*', at)) {
        const end = endOfComment(sql, at) ?? refuse('a comment without an end');
        return ['space', end - at, ` ${sql.slice(at, end).replace(/[^\n]+/g, '')}`];
      }
      const word = rest(/[A-Za-z_]\w*/y);
      const quote = sql[at + (word?.[0].length ?? 0)];
      if (word && (quote === "'" || quote === '"') && /^[a-z]$/i.test(word[0]))
        return refuse(`${word[0]}'…' is a literal that the embedded engine lacks`);
      if (word && reserved.has(word[0].toLowerCase())) return ['name', word[0].length, identifier(word[0])];
      if (word) return ['word', word[0].length, word[0]];
      const quoted = rest(/'(?:[^'\\]|\\[\s\S])*'|"(?:[^"\\]|\\[\s\S])*"/y);
      if (quoted) return ['text', quoted[0].length, unescaped(quoted[0].slice(1, -1))];
      const name = rest(/`(?:[^`]|``)+`/y);
      if (name) return ['name', name[0].length, identifier(name[0].slice(1, -1).replaceAll('``', '`'))];
      const number = rest(/(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y);
      if (number) {
        const suffix = /^\w+/.exec(sql.slice(at + number[0].length))?.[0];
        if (suffix !== undefined) refuse(`the number ${number[0]}${suffix} has a suffix; write a CAST`);
        return ['number', number[0].length, number[0]];
      }
      if (sql.startsWith('//', at)) return refuse('// is no operator of Spark');
      const sign = [3, 2, 1].map((n) => sql.slice(at, at + n)).find((each) => Object.hasOwn(signs, each));
      if (sign === undefined) return refuse(`${JSON.stringify(sql[at])} is not an operator of the embedded engine`);
      return ['sign', sign.length, signs[sign] as string];
    })();
    yield { kind, text, line };
    line += sql.slice(at, at + length).split('\n').length - 1;
    at += length;
  }
}

/** The offset after a comment and those nested in it. */
function endOfComment(sql: string, from: number): number | undefined {
  let depth = 0;
  for (const { 0: mark, index } of sql.slice(from).matchAll(/\/\*|\*\//g)) {
    depth += mark === '/*' ? 1 : -1;
    if (depth === 0) return from + index + 2;
  }
  return undefined;
}

const head =
  /^CREATE(?: OR REPLACE)?(?: GLOBAL)? (?:TEMP|TEMPORARY) VIEW (?:IF NOT EXISTS )?("(?:[^"]|"")+"|\w+) ?(?:\( ?([^()]*?) ?\) ?)?AS ?$/i;

/** Splits Spark SQL into its views. Throws Untranslatable for any other statement, with its line. */
export function statementsOf(sql: string): Statement[] {
  const statements: Statement[] = [];
  let tokens: Token[] = [];
  const end = (): void => {
    const first = tokens.findIndex(({ kind }) => kind !== 'space');
    if (first >= 0) statements.push(statementOf(tokens.slice(first)));
    tokens = [];
  };
  for (const token of tokensOf(sql)) {
    if (token.kind === 'sign' && token.text === ';') end();
    else tokens.push(token);
  }
  end();
  return statements;
}

function statementOf(tokens: readonly Token[]): Statement {
  const as = tokens.findIndex(({ kind, text }) => kind === 'word' && text.toUpperCase() === 'AS');
  const start = tokens
    .slice(0, as + 1)
    .map((token) => (token.kind === 'space' ? ' ' : spelled(token)))
    .join('');
  const [, view, columns] = head.exec(start) ?? [];
  const { line } = tokens[0] as Token;
  if (view === undefined || /\bGLOBAL\b|\bIF NOT\b/i.test(start)) {
    const words = tokens.filter(({ kind }) => kind === 'word').slice(0, 3);
    throw new Untranslatable(
      `line ${line}: only CREATE TEMP VIEW … AS is run by the embedded engine, not ${words.map(({ text }) => text).join(' ')}`,
    );
  }
  const body = tokens.slice(as + 1);
  const names = columns?.split(/ ?, ?/);
  const odd = names?.find((name) => !/^("(?:[^"]|"")+"|\w+)$/.test(name));
  if (odd !== undefined) throw new Untranslatable(`line ${line}: a column of the view with more than a name: ${odd}`);
  return {
    view: bare(view),
    columns: names?.map(bare),
    query: queryOf(body),
    line: body[0]?.line ?? line,
  };
}

const bare = (name: string): string => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name);

const spelled = ({ kind, text }: Token): string => (kind === 'text' ? literal(text) : text);

/** Joins tokens, with Spark's word order and operators replaced by DuckDB's. */
function queryOf(tokens: readonly Token[]): string {
  const solid = tokens.filter(({ kind }) => kind !== 'space');
  let place = -1;
  return tokens
    .map((token) => {
      if (token.kind === 'space') return token.text;
      place += 1;
      const [before, next] = [solid[place - 1], solid[place + 1]];
      const is = (of: Token | undefined, ...words: readonly string[]): boolean =>
        of?.kind === 'word' && words.includes(of.text.toUpperCase());
      const refuse = (what: string): never => {
        throw new Untranslatable(`line ${token.line}: ${what}`);
      };
      if (is(token, 'LEFT') && is(next, 'SEMI', 'ANTI')) return '';
      if (is(token, 'DIV')) return '//';
      // Of ten digits to Spark, of eighteen to DuckDB.
      if (is(token, 'DECIMAL', 'DEC', 'NUMERIC') && next?.text !== '(' && (is(before, 'AS') || before?.text === '::'))
        return refuse('a decimal without its number of digits');
      if (token.kind === 'text' && next?.kind === 'text') return refuse('two adjacent texts; join them with ||');
      if (token.kind === 'text' && is(before, 'FROM', 'JOIN')) return refuse('a text in the place of a view');
      if (token.text.includes('\0')) return refuse('a text with the character 0');
      return spelled(token);
    })
    .join('');
}

/** The texts that are written in SQL, each once. */
export const textsIn = (sql: string): string[] => [
  ...new Set([...tokensOf(sql)].filter(({ kind }) => kind === 'text').map(({ text }) => text)),
];
