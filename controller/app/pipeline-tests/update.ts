import { readFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { reasonOf, rejected } from '../../lib/errors.ts';
import type { Row, TestFile, TestOutcome } from './schema.ts';

/** A number that YAML keeps exactly is written as one. */
const written = (row: Row): Row =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'string' && /^-?(0|[1-9]\d{0,14})$/.test(value) ? Number(value) : value,
    ]),
  );

/** The text of a test file with the rows that the tests have found as the expected ones. Comments stay. */
export async function updated(file: string, { tests }: TestFile, outcomes: readonly TestOutcome[]): Promise<string> {
  const document = parseDocument(await readFile(file, 'utf8'));
  for (const { name, actual } of outcomes) {
    const at = tests.findIndex((test) => test.name === name);
    for (const [view, rows] of Object.entries(actual)) {
      const node = document.createNode(rows.map(written));
      for (const row of (node as unknown as { items: { flow: boolean }[] }).items) row.flow = true;
      try {
        document.setIn(['tests', at, 'expect', 'views', view], node);
      } catch (error) {
        throw rejected(
          `${file}: the rows of test "${name}" are shared by an alias, and were not updated: ${reasonOf(error)}`,
        );
      }
    }
  }
  return document.toString({ lineWidth: 120 });
}
