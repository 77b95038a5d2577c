import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { countRecords, findPlaces, scanRecords } from '../../controller/lib/csv-records.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-records-'));
afterAll(() => rmSync(root, { recursive: true }));

function file(text: string): { file: string; lineEnd: '\n' } {
  const path = join(root, 'a.csv');
  writeFileSync(path, text);
  return { file: path, lineEnd: '\n' };
}

test('records are found wherever a file is cut into pieces as it is read', async () => {
  const piece = 1 << 20;
  for (const tail of ['"a ""b"" c"', '""', '"x\ny"', '"a"', 'plain', '"', '""""']) {
    // The tail lies across the border of two pieces, each time one byte further.
    for (let shift = 0; shift <= tail.length; shift++) {
      const filler = `id,note\n1,${'x'.repeat(piece - 10 - shift - 2)}\n2,`;
      const text = `${filler}${tail}\n3,z\n`;
      if (tail === '"') {
        await expect(countRecords(file(text))).rejects.toThrow(/a\.csv:3: a quote is opened here and never closed/);
        continue;
      }
      expect(await countRecords(file(text)), `${tail} from ${filler.length}`).toBe(4);
      const last = tail.includes('\n') ? 5 : 4;
      expect((await findPlaces(file(text), [3], 3, [])).rows).toEqual([last]);
    }
  }
});

test('a record is told with its lines and bytes', async () => {
  const found: unknown[] = [];
  await scanRecords(file('a,b\r\n\r\n1,"x\r\ny"\r\n"open"x,2\n'), (record) => found.push(record));
  expect(found).toEqual([
    { line: 1, lastLine: 1, start: 0, end: 3, malformed: false },
    { line: 3, lastLine: 4, start: 7, end: expect.any(Number), malformed: false },
    { line: 5, lastLine: 5, start: 17, end: 26, malformed: true },
  ]);
});
