import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse';
import { reasonOf, rejected } from '../errors.ts';

const head = 64 * 1024;

/**
 * Checks that a CSV file is text and begins with the declared header; throws a rejected SluiceError that shows both.
 * An empty file has no rows and no header, and is told by `false`.
 */
export async function checkHeader(file: string, declared: readonly string[]): Promise<boolean> {
  let first: string[] | undefined;
  const bytes: Buffer[] = [];
  for await (const chunk of createReadStream(file, { end: head - 1 })) bytes.push(chunk as Buffer);
  const start = Buffer.concat(bytes);
  if (start.length === 0) return false;
  if (start.includes(0))
    throw rejected(`${file} is a binary file, not CSV`, 'take it out of the folder, or correct the glob');
  try {
    for await (const record of parse(start, { to: 1, bom: true, relax_column_count: true })) first = record as string[];
  } catch (error) {
    throw rejected(`${file}:1: its header cannot be read: ${reasonOf(error)}`, `expected ${declared.join(',')}`);
  }
  if (first?.join(',') !== declared.join(',')) {
    throw rejected(
      `${file}:1: another header than the pipeline declares\n  found    ${first?.join(',') ?? 'nothing'}\n  expected ${declared.join(',')}`,
      'correct the file, or the columns of the source',
    );
  }
  return true;
}

/** Where the records of a CSV file begin. */
export interface Places {
  /** The line of each wanted row, counted from 1 among those that are not broken; undefined when the file has not so many. */
  readonly rows: readonly number[] | undefined;
  /** The line of each broken record, in the order of their bytes. */
  readonly broken: readonly number[];
}

const [lineFeed, carriageReturn, quote, comma] = [10, 13, 34, 44];

/**
 * Finds the lines on which records begin: `wanted`, ascending, among the `rows` that could be split, and the broken ones by
 * a byte inside each, ascending. Line breaks inside quotes belong to a record, and empty lines are none; a quote opens only where a field does.
 */
export async function findPlaces(
  file: string,
  wanted: readonly number[],
  rows: number,
  brokenBytes: readonly number[],
): Promise<Places> {
  const lines: number[] = [];
  const broken: number[] = [];
  let [line, offset, row] = [1, 0, -1];
  // What the reader is in: a record that began on `begin` at `start`, or none yet; a field in quotes; the start of a field.
  let [begin, start, inQuotes, fieldStart] = [0, -1, false, true];
  const end = (at: number): void => {
    if (start < 0) return;
    if ((brokenBytes[broken.length] ?? Number.POSITIVE_INFINITY) <= at) broken.push(begin);
    else {
      // The header is row 0.
      row += 1;
      if (row === wanted[lines.length]) lines.push(begin);
    }
    start = -1;
  };
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    const buffer = chunk as Buffer;
    for (let i = 0; i < buffer.length; i++) {
      const byte = buffer[i];
      if (byte === lineFeed) line += 1;
      if (inQuotes) {
        if (byte === quote) inQuotes = false;
        continue;
      }
      if (byte === lineFeed) {
        end(offset + i);
        fieldStart = true;
        continue;
      }
      if (byte === carriageReturn && start < 0) continue;
      if (start < 0) [start, begin] = [offset + i, line];
      // A second quote after a closing one opens again: it stood for one inside.
      if (byte === quote && (fieldStart || buffer[i - 1] === quote)) inQuotes = true;
      fieldStart = byte === comma;
    }
    offset += buffer.length;
  }
  end(offset);
  return { rows: row === rows ? lines : undefined, broken };
}
