import { createReadStream } from 'node:fs';
import { rejected } from './errors.ts';

/** A file, and how its lines end. */
export interface Records {
  readonly file: string;
  readonly lineEnd: '\n' | '\r';
  /** Whether an empty line is a record: where there is one column, it is an empty value. */
  readonly blanks?: boolean;
}

/** Where a record of a CSV file stands: lines from 1 on, bytes from 0 on, the end excluded. The header is one as well. */
export interface CsvRecord {
  readonly line: number;
  readonly lastLine: number;
  readonly start: number;
  readonly end: number;
  /** Text follows a closing quote: such a record cannot be split into columns. */
  readonly malformed: boolean;
}

/** DuckDB splits no longer one, and Spark holds a record whole. Bytes. */
const longest = 16 << 20;

const [carriageReturn, quote, comma, space] = [13, 34, 44, 32];

/** What the scanner is in: the start of a field, a field, one in quotes, behind its closing quote, or behind text after that. */
type State = 'start' | 'field' | 'quoted' | 'closed' | 'malformed';

/**
 * Finds the records of a CSV file, as RFC 4180 has them and without any engine: line ends inside quotes belong to a record, a
 * quote opens only where a field does, and empty lines are none. Throws a rejected SluiceError with file and line for a quote
 * that is never closed, for text after a closing quote when the record goes over several lines (where it ends is a guess then),
 * and for a record of more than 16 MiB: such a file may hide any number of rows in one.
 */
export async function scanRecords(
  { file, lineEnd, blanks = false }: Records,
  found: (record: CsvRecord) => void,
): Promise<void> {
  const newline = lineEnd.charCodeAt(0);
  let [line, offset, state]: [number, number, State] = [1, 0, 'start'];
  // The record that is being read: where it began, -1 when there is none yet; the line of its last opening quote.
  let [start, first, opened, malformed] = [-1, 1, 1, false];
  const end = (at: number): void => {
    if (malformed && line > first)
      throw rejected(
        `${file}:${first}: a quote is opened here or below, and other text follows the one that closes it on line ${line}`,
        'double the quotes inside a quoted field, and close every field that is quoted',
      );
    if (at - start > longest) throw tooLong(file, first);
    found({ line: first, lastLine: line, start, end: at, malformed });
    [start, state, malformed] = [-1, 'start', false];
  };
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    const buffer = chunk as Buffer;
    let nextQuote = buffer.indexOf(quote);
    let i = 0;
    while (i < buffer.length) {
      if (start < 0) {
        // Most records have no quote: they are found by their line end alone.
        const lineFeed = buffer.indexOf(newline, i);
        if (lineFeed >= 0 && (nextQuote < 0 || nextQuote > lineFeed)) {
          const last = buffer[lineFeed - 1] === carriageReturn && lineFeed > i ? lineFeed - 1 : lineFeed;
          if (last > i || blanks) {
            [start, first] = [offset + i, line];
            end(offset + last);
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
        if (start >= 0) end(offset + i);
        line += 1;
      } else if (byte !== carriageReturn) {
        if (start < 0) [start, first] = [offset + i, line];
        if (byte === quote && state === 'closed') state = 'quoted';
        else if (byte === quote && state === 'start') [state, opened] = ['quoted', line];
        else if (state === 'closed' && byte !== comma) [state, malformed] = ['malformed', true];
        else if (byte === comma && state !== 'malformed') state = 'start';
        else if (state === 'start' && byte !== space) state = 'field';
      }
      i += 1;
    }
    offset += buffer.length;
    if (start < 0 || offset - start <= longest) continue;
    if (state === 'quoted') throw unclosed(file, opened, `not closed within ${longest / 2 ** 20} MiB`);
    throw tooLong(file, first);
  }
  if (state === 'quoted') throw unclosed(file, opened, 'never closed');
  if (start >= 0) end(offset);
}

function countOf(byte: number, buffer: Buffer, from: number, until: number): number {
  let count = 0;
  for (let i = buffer.indexOf(byte, from); i >= 0 && i < until; i = buffer.indexOf(byte, i + 1)) count += 1;
  return count;
}

const unclosed = (file: string, line: number, how: string): Error =>
  rejected(`${file}:${line}: a quote is opened here and ${how}`, 'close it, or double it when it belongs to the text');

const tooLong = (file: string, line: number): Error =>
  rejected(
    `${file}:${line}: a record of more than ${longest / 2 ** 20} MiB begins here`,
    'is a line end or a closing quote missing?',
  );

/** How many records a file has, its header included. */
export async function countRecords(records: Records): Promise<number> {
  let count = 0;
  await scanRecords(records, () => {
    count += 1;
  });
  return count;
}

/** Where the records of a CSV file begin. */
export interface Places {
  /** The line of each wanted row, counted from 1 among those that are not broken; undefined when the file has not so many. */
  readonly rows: readonly number[] | undefined;
  /** The line of each broken record, in the order of their bytes. */
  readonly broken: readonly number[];
}

/**
 * Finds the lines on which records begin: `wanted`, ascending, among the `rows` that could be split, and the broken ones by
 * a byte inside each, ascending.
 */
export async function findPlaces(
  records: Records,
  wanted: readonly number[],
  rows: number,
  brokenBytes: readonly number[],
): Promise<Places> {
  const lines: number[] = [];
  const broken: number[] = [];
  // The header is row 0.
  let row = -1;
  await scanRecords(records, ({ line, end }) => {
    if ((brokenBytes[broken.length] ?? Number.POSITIVE_INFINITY) <= end) {
      broken.push(line);
      return;
    }
    row += 1;
    if (row === wanted[lines.length]) lines.push(line);
  });
  return { rows: row === rows ? lines : undefined, broken };
}
