import { createReadStream } from 'node:fs';
import { rejected } from './errors.ts';

/**
 * A CSV file, its line end and its number of columns. With one column, an empty line is a record with an empty value.
 */
export interface Records {
  readonly file: string;
  /** A line feed may have a carriage return before it. */
  readonly lineEnd: '\n' | '\r';
  readonly columns?: number;
}

/**
 * The position of a record in a CSV file. Lines count the file's line ends, from 1. Bytes count from 0, `end`
 * exclusive. The header is a record, too.
 */
export interface CsvRecord {
  readonly line: number;
  readonly lastLine: number;
  readonly start: number;
  readonly end: number;
  /** Text follows a closing quote: such a record cannot be split into columns. */
  readonly malformed: boolean;
  /**
   * The number of fields beyond the columns. For records without quotes it is reported only when the last field is
   * empty, because DuckDB drops that.
   */
  readonly surplus: number;
}

/** DuckDB cannot split a longer record, and Spark holds a record whole. Bytes. */
const longest = 16 << 20;

const [feed, carriageReturn, quote, comma, space] = [10, 13, 34, 44, 32];

/**
 * The scanner's state: at the start of a field, in a field, in quotes, after the closing quote, or in text after that.
 */
type State = 'start' | 'field' | 'quoted' | 'closed' | 'malformed';

/**
 * Finds the records of a CSV file by RFC 4180, without any engine. Line ends within quotes belong to a record, a quote
 * opens only at the start of a field, and empty lines are skipped. Throws a rejected SluiceError with file and line for
 * a file that could hide many rows in one record:
 * - a quote that is never closed;
 * - text after a closing quote in a record of several lines, whose end is then a guess;
 * - a record of more than 16 MiB;
 * - a record whose line end differs from the first one.
 */
export async function scanRecords(
  { file, lineEnd, columns = Number.POSITIVE_INFINITY }: Records,
  found: (record: CsvRecord) => void,
): Promise<void> {
  const newline = lineEnd.charCodeAt(0);
  const blanks = columns === 1;
  let [line, offset, state]: [number, number, State] = [1, 0, 'start'];
  let [previous, commas]: [number | undefined, number] = [undefined, 0];
  let returns: boolean | undefined;
  // The current record: its start, -1 when there is none yet, and the line of its last opening quote.
  let [start, first, opened, malformed] = [-1, 1, 1, false];
  const end = (at: number, hasReturn: boolean): void => {
    if (malformed && line > first)
      throw rejected(
        `${file}:${first}: a quote is opened here or below, and other text follows the one that closes it on line ${line}`,
        'double the quotes inside a quoted field, and close every field that is quoted',
      );
    if (at - start > longest) throw tooLong(file, first);
    returns ??= hasReturn;
    if (hasReturn !== returns) throw mixed(file, line);
    found({ line: first, lastLine: line, start, end: at, malformed, surplus: Math.max(0, commas + 1 - columns) });
    [start, state, malformed, commas] = [-1, 'start', false, 0];
  };
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    const buffer = chunk as Buffer;
    let nextQuote = buffer.indexOf(quote);
    let i = 0;
    while (i < buffer.length) {
      if (start < 0 && newline === feed) {
        // Most records have no quote. They are found by their line end alone.
        const lineFeed = buffer.indexOf(newline, i);
        if (lineFeed >= 0 && (nextQuote < 0 || nextQuote > lineFeed)) {
          const last = buffer[lineFeed - 1] === carriageReturn && lineFeed > i ? lineFeed - 1 : lineFeed;
          if (last > i || blanks) {
            [start, first] = [offset + i, line];
            if (buffer[last - 1] === comma) commas = countOf(comma, buffer, i, last);
            end(offset + last, last < lineFeed);
          }
          line += 1;
          i = lineFeed + 1;
          continue;
        }
      }
      if (state === 'quoted') {
        const until = nextQuote < 0 ? buffer.length : nextQuote;
        line += countOf(newline, buffer, i, until);
        if (nextQuote >= 0) {
          state = 'closed';
          nextQuote = buffer.indexOf(quote, until + 1);
        }
        i = until + 1;
        continue;
      }
      const byte = buffer[i] as number;
      if (byte === quote) nextQuote = buffer.indexOf(quote, i + 1);
      if (byte === newline) {
        if (start < 0 && blanks) [start, first] = [offset + i, line];
        if (start >= 0) end(offset + i, newline === feed && (i > 0 ? buffer[i - 1] : previous) === carriageReturn);
        line += 1;
      } else if (byte === feed) throw mixed(file, line);
      else if (byte !== carriageReturn) {
        if (start < 0) [start, first] = [offset + i, line];
        if (byte === quote && state === 'closed') state = 'quoted';
        else if (byte === quote && state === 'start') [state, opened] = ['quoted', line];
        else if (state === 'closed' && byte !== comma) [state, malformed] = ['malformed', true];
        else if (byte === comma && state !== 'malformed') [state, commas] = ['start', commas + 1];
        else if (state === 'start' && byte !== space) state = 'field';
      }
      i += 1;
    }
    offset += buffer.length;
    previous = buffer.at(-1);
    if (start < 0 || offset - start <= longest) continue;
    if (state === 'quoted') throw unclosed(file, opened, `not closed within ${longest / 2 ** 20} MiB`);
    throw tooLong(file, first);
  }
  if (state === 'quoted') throw unclosed(file, opened, 'never closed');
  if (start >= 0) end(offset, previous === carriageReturn || (returns ?? false));
}

function countOf(byte: number, buffer: Buffer, from: number, until: number): number {
  let count = 0;
  for (let i = buffer.indexOf(byte, from); i >= 0 && i < until; i = buffer.indexOf(byte, i + 1)) count += 1;
  return count;
}

const unclosed = (file: string, line: number, how: string): Error =>
  rejected(`${file}:${line}: a quote is opened here and ${how}`, 'close it, or double it when it belongs to the text');

const mixed = (file: string, line: number): Error =>
  rejected(
    `${file}:${line}: this line ends otherwise than the first one of the file`,
    'end all lines alike, by \\n or by \\r\\n',
  );

const tooLong = (file: string, line: number): Error =>
  rejected(
    `${file}:${line}: a record of more than ${longest / 2 ** 20} MiB begins here`,
    'is a line end or a closing quote missing?',
  );

/** The number of records in a file, including its header, and whether any has fields beyond the columns. */
export async function countRecords(records: Records): Promise<{ records: number; surplus: boolean }> {
  const count = { records: 0, surplus: false };
  await scanRecords(records, ({ surplus }) => {
    count.records += 1;
    count.surplus ||= surplus > 0;
  });
  return count;
}
