import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { exactColumns } from '../../controller/adapters/sources/kafka/json.ts';
import { freshRows } from '../../controller/adapters/sources/kafka/kafka.ts';
import { messageTable } from '../../controller/adapters/sources/kafka/messages.ts';
import { openDuck } from '../../controller/clients/duckdb.ts';
import { columnsOf, type Source } from '../../controller/domain/pipeline.ts';

/** Reads messages by DuckDB; RunnerTest.java reads the same messages.json by Spark. */

const root = mkdtempSync(join(tmpdir(), 'sluice-messages-'));
afterAll(() => rmSync(root, { recursive: true }));

const columns = columnsOf({
  kafka: 'shop',
  topic: 't',
  key: 'a',
  columns: { a: 'string', b: 'string' },
} as unknown as Source);
type Texts = readonly (string | null)[] | null;

/** The texts of the columns, in the order of the messages; null for one that is not a JSON object. */
async function read(values: readonly string[]): Promise<Texts[]> {
  const duck = await openDuck(root, []);
  try {
    const table = await messageTable(duck, exactColumns(columns));
    for (const [i, value] of values.map((each) => Buffer.from(each)).entries()) table.add(0, i, value, 0, value.length);
    table.close();
    const rows = await duck.rows(`SELECT * FROM (${freshRows(columns)}) ORDER BY __sluice_pos`);
    return rows.map((row) =>
      row.__sluice_reason === 'not a JSON object' ? null : columns.map(({ name }) => row[name] as string | null),
    );
  } finally {
    await duck.close();
  }
}

const cases: { message: string; texts: Texts }[] = JSON.parse(
  readFileSync(join(import.meta.dirname, 'messages.json'), 'utf8'),
);

test('the fields of a message have their exact text, and a message that is not JSON is invalid', async () => {
  const texts = await read(cases.map(({ message }) => message));
  expect(cases.map(({ message }, i) => ({ message, texts: texts[i] }))).toEqual(cases);
});

test('a message is an object exactly when JSON.parse returns one', async () => {
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    ' ',
    '"a":',
    '"b":',
    '"x"',
    '"\\\\"',
    '1.10',
    '-0',
    '7',
    'e',
    '.',
    '-',
    'null',
    'true',
    'NaN',
    'inf',
    '"',
  ];
  const json = fc.json({ maxDepth: 3 });
  const nearly = fc.tuple(json, fc.nat(), fc.constantFrom(...pieces), fc.nat(2)).map(([text, at, piece, skip]) => {
    const place = at % (text.length + 1);
    return text.slice(0, place) + piece + text.slice(place + skip);
  });
  const fields = fc.array(
    fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.oneof(json, nearly, fc.constantFrom(...pieces))),
    { maxLength: 3 },
  );
  const message = fields.map((all) => `{${all.map(([name, value]) => `"${name}":${value}`).join(',')}}`);
  const values = fc.sample(
    fc.oneof(
      message,
      nearly,
      fc.array(fc.constantFrom(...pieces), { maxLength: 9 }).map((all) => all.join('')),
    ),
    3000,
  );
  const texts = await read(values);
  const isObject = (text: string): boolean => {
    try {
      return JSON.parse(text) !== null && /^\s*\{/.test(text);
    } catch {
      return false;
    }
  };
  const wrong = values.filter((value, i) => isObject(value) !== (texts[i] !== null));
  expect(wrong).toEqual([]);
  expect(texts.filter((each) => each !== null).length).toBeGreaterThan(100);
});
