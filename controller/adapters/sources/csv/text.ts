import { open } from 'node:fs/promises';
import { parse } from 'csv-parse';
import type { Records } from '../../../lib/csv-records.ts';
import { reasonOf, rejected } from '../../../lib/errors.ts';

/** The header is searched in this much of a file: a thousand columns with long names fit. Bytes. */
const headBytes = 1 << 20;
/** The length to which differing headers are shortened in messages. Characters. */
const shownChars = 300;

/**
 * Checks that a CSV file is text and begins with the declared header. Throws a rejected SluiceError that shows both
 * headers. Returns the file's line end; undefined for an empty file, which has neither rows nor a header.
 */
export async function checkHeader(file: string, declared: readonly string[]): Promise<Records['lineEnd'] | undefined> {
  let first: string[] | undefined;
  const start = await headOf(file);
  if (start.length === 0) return undefined;
  if (start.includes(0))
    throw rejected(`${file} is a binary file, not CSV`, 'take it out of the folder, or correct the glob');
  try {
    for await (const record of parse(start, { to: 1, bom: true, relax_column_count: true })) first = record as string[];
  } catch (error) {
    throw rejected(
      `${file}:1: its header cannot be read: ${reasonOf(error)}`,
      `expected ${shortened(declared.join(','))}`,
    );
  }
  if (first?.join(',') !== declared.join(',')) {
    throw rejected(
      `${file}:1: another header than the pipeline declares\n  found    ${shortened(first?.join(',') ?? 'nothing')}\n  expected ${shortened(declared.join(','))}`,
      'correct the file, or the columns of the source',
    );
  }
  // A line end within quotes belongs to a column name.
  const bare = start.toString('latin1').replace(/"[^"]*"/g, '');
  return /^[^\r\n]*\r(?!\n)/.test(bare) ? '\r' : '\n';
}

const shortened = (text: string): string => (text.length <= shownChars ? text : `${text.slice(0, shownChars)}…`);

async function headOf(file: string): Promise<Buffer> {
  const handle = await open(file).catch((error: unknown) => {
    throw rejected(`${file} cannot be read: ${reasonOf(error)}`, 'check its permissions');
  });
  try {
    const buffer = Buffer.alloc(headBytes);
    const { bytesRead } = await handle.read(buffer, 0, headBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
