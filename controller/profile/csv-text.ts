import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { parse } from 'csv-parse';
import { reasonOf, rejected } from '../errors.ts';
import type { Example } from './port.ts';

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

/** Rows looked through for the line of an example; an offending row is rarely further down. */
const lookThrough = 200_000;

/** Finds the lines on which rows with these values begin. `wanted` maps the row's values, joined by \u0001, to the reason. */
export async function findLines(file: string, wanted: Map<string, string>): Promise<Example[]> {
  const found: Example[] = [];
  const stream = createReadStream(file);
  const parser = stream.pipe(
    parse({ bom: true, relax_column_count: true, relax_quotes: true, info: true, raw: true, to: lookThrough }),
  );
  try {
    for await (const { record, info, raw } of parser as AsyncIterable<{
      record: string[];
      info: { lines: number };
      raw: string;
    }>) {
      const key = record.join('\u0001');
      const reason = wanted.get(key);
      if (reason === undefined) continue;
      const begins = info.lines - raw.trimEnd().split('\n').length + 1;
      found.push({ reason, where: `${basename(file)}:${begins}`, text: raw.trim().slice(0, 200) });
      wanted.delete(key);
      if (wanted.size === 0) break;
    }
  } finally {
    stream.destroy();
  }
  return found;
}

/** The line, from 1, on which a byte of a file stands. DuckDB numbers records, which line breaks in fields make fewer. */
export async function lineOfByte(file: string, byte: number): Promise<number> {
  let line = 1;
  if (byte <= 0) return line;
  for await (const chunk of createReadStream(file, { end: byte - 1 })) {
    for (const each of chunk as Buffer) if (each === 0x0a) line += 1;
  }
  return line;
}
