import { readFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import type { TestFile, TestOutcome } from './schema.ts';

/** The text of a test file with the rows that the tests have found as the expected ones. Comments stay. */
export async function updated(file: string, { tests }: TestFile, outcomes: readonly TestOutcome[]): Promise<string> {
  const document = parseDocument(await readFile(file, 'utf8'));
  for (const { name, actual } of outcomes) {
    const at = tests.findIndex((test) => test.name === name);
    for (const [view, rows] of Object.entries(actual)) {
      const node = document.createNode(rows);
      for (const row of (node as unknown as { items: { flow: boolean }[] }).items) row.flow = true;
      document.setIn(['tests', at, 'expect', 'views', view], node);
    }
  }
  return document.toString({ lineWidth: 120 });
}
