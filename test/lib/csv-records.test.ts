import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { findPlaces } from '../../controller/adapters/sources/csv/places.ts';
import { countRecords, scanRecords } from '../../controller/lib/csv-records.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-records-'));
afterAll(() => rmSync(root, { recursive: true }));

function file(text: string): { file: string; lineEnd: '\n'; columns: number } {
  const path = join(root, 'a.csv');
  writeFileSync(path, text);
  return { file: path, lineEnd: '\n', columns: 2 };
}

test('records are found independently of how the file is split into chunks', async () => {
  const piece = 1 << 20;
  for (const tail of ['"a ""b"" c"', '""', '"x\ny"', '"a"', 'plain', '"', '""""']) {
    // The tail crosses the border of two chunks, each time one byte further.
    for (let shift = 0; shift <= tail.length; shift++) {
      const filler = `id,note\n1,${'x'.repeat(piece - 10 - shift - 2)}\n2,`;
      const text = `${filler}${tail}\n3,z\n`;
      if (tail === '"') {
        await expect(countRecords(file(text))).rejects.toThrow(/a\.csv:3: a quote is opened here and never closed/);
        continue;
      }
      expect(await countRecords(file(text)), `${tail} from ${filler.length}`).toEqual({ records: 4, surplus: false });
      const last = tail.includes('\n') ? 5 : 4;
      expect((await findPlaces(file(text), [3], 3, [])).rows).toEqual([{ row: 3, line: last, surplus: 0 }]);
    }
  }
});

test('a record is reported with its lines and bytes', async () => {
  const found: unknown[] = [];
  await scanRecords(file('a,b\r\n\r\n1,"x\r\ny"\r\n"open"x,2\r\n'), (record) => found.push(record));
  expect(found).toEqual([
    { line: 1, lastLine: 1, start: 0, end: 3, malformed: false, surplus: 0 },
    { line: 3, lastLine: 4, start: 7, end: expect.any(Number), malformed: false, surplus: 0 },
    { line: 5, lastLine: 5, start: 17, end: expect.any(Number), malformed: true, surplus: 0 },
  ]);
});

test.each([
  ['1,,\n', 1],
  ['1,x,"",\n', 2],
  ['"1","x,y,,"\n', 0],
  ['"1\n,,","x",""\n', 1],
  [',\n', 0],
])('surplus fields of %j are counted', async (record, surplus) => {
  const found: number[] = [];
  await scanRecords(file(`id,note\n${record}2,y\n`), (each) => found.push(each.surplus));
  expect(found).toEqual([0, surplus, 0]);
});

test.each([
  ['id,note\n1,x\r\n2,y\n', 2],
  ['id,note\r\n1,"x\n"\r\n2,y\n', 4],
  ['id,note\n1,"x"\r', 2],
])('the first line of %j with another line end is reported', async (text, line) => {
  await expect(countRecords(file(text))).rejects.toThrow(new RegExp(`a\\.csv:${line}: this line ends otherwise`));
});

test('other line ends within quotes, and a last line without one, are valid', async () => {
  expect(await countRecords(file('id,note\r\n1,"x\ny\rz"\r\n\n2,y'))).toEqual({ records: 3, surplus: false });
});

test('the end of a record is the same across the border of two chunks', async () => {
  const text = `id,note\r\n1,${'x'.repeat((1 << 20) - 12)}`;
  for (const shift of ['', 'x', 'xx', 'xxx'])
    expect((await countRecords(file(`${text}${shift}\r\n2,y\r\n`))).records, shift).toBe(3);
});
