import type { Column } from '../../../domain/pipeline.ts';

/** The columns whose exact text matters. A double without `values` has the same value in every notation. */
export const exactColumns = (columns: readonly Column[]): ReadonlySet<string> =>
  new Set(columns.filter(({ type, values }) => type !== 'double' || values).map(({ name }) => name));

/** DuckDB preserves the text of whole numbers up to this many characters. */
const shortNumber = 15;

/** Matches every message that needs a full scan, and few others. It looks at ASCII alone, so bytes will do as text. */
const doubtful =
  /"[ \t\r\n]*:[ \t\r\n]*(?:-|[0-9]+[.eE]|[0-9]{16}|[[{])|[:,[][ \t\r\n]*(?:-?[iI]|[nN][aA])|,[ \t\r\n]*[\]}]/;
const whitespace: readonly number[] = [9, 10, 13, 32];
const brace = 0x7b;

/**
 * The text that DuckDB must read instead of a message, so that the fields in `exact` preserve their text. Numbers and
 * nested values become strings, because DuckDB writes 1.10 as 1.1. Undefined when the message itself will do. Empty for
 * a value that is no object, and for invalid JSON that DuckDB accepts: a comma before a closing bracket, NaN, Infinity.
 * For JSON that DuckDB rejects, any result is allowed.
 */
export function readInstead(bytes: Buffer, exact: ReadonlySet<string>): string | undefined {
  let first = 0;
  while (whitespace.includes(bytes[first] as number)) first += 1;
  if (bytes[first] !== brace) return '';
  return doubtful.test(bytes.toString('latin1')) ? scanned(bytes.toString('utf8'), exact) : undefined;
}

function scanned(message: string, exact: ReadonlySet<string>): string | undefined {
  let [instead, taken, depth, last] = ['', 0, 0, ''];
  // The current top-level field: its quoted name, and where its nested value begins.
  let [name, from] = ['""', 0];
  const asText = (start: number, end: number): void => {
    if (!exact.has(name.includes('\\') ? unescaped(name) : name.slice(1, -1))) return;
    instead += message.slice(taken, start) + JSON.stringify(message.slice(start, end));
    taken = end;
  };
  for (let i = 0; i < message.length; ) {
    const [at, character] = [i, message.charAt(i)];
    i += 1;
    switch (character) {
      case ' ':
      case '\t':
      case '\n':
      case '\r':
        continue;
      case '"':
        i = endOfString(message, at);
        if (depth === 1 && last !== ':') name = message.slice(at, i);
        break;
      case '{':
      case '[':
        if (depth === 1) from = at;
        depth += 1;
        break;
      case '}':
      case ']':
        if (last === ',') return '';
        depth -= 1;
        if (depth === 1) asText(from, i);
        break;
      case ',':
      case ':':
        break;
      case 't':
      case 'n':
        if (character === 'n' && message.charAt(i) !== 'u') return '';
        i += 3;
        break;
      case 'f':
        i += 4;
        break;
      default: {
        while (isOfNumber(message.charCodeAt(i))) i += 1;
        const number = message.slice(at, i);
        if (!/^-?[0-9]/.test(number)) return '';
        if (depth === 1 && (number.length > shortNumber || !/^(0|-?[1-9][0-9]*)$/.test(number))) asText(at, i);
      }
    }
    last = character;
  }
  return taken === 0 ? undefined : instead + message.slice(taken);
}

/** Digits, and + - . e E. */
const isOfNumber = (code: number): boolean =>
  (code >= 48 && code <= 57) || code === 43 || code === 45 || code === 46 || code === 69 || code === 101;

/** The index after the quote that closes the string at `start`. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let first = end;
    while (text.charAt(first - 1) === '\\') first -= 1;
    if ((end - first) % 2 === 0) return end + 1;
  }
  return text.length;
}

function unescaped(name: string): string {
  try {
    return JSON.parse(name);
  } catch {
    return '';
  }
}
