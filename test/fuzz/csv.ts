import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { csvReader } from '../../controller/adapters/sources/csv/csv.ts';
import { fileStorage as storage } from '../../controller/adapters/storage/file/file.ts';
import { openDuck } from '../../controller/clients/duckdb.ts';
import type { Source } from '../../controller/domain/pipeline.ts';
import { parquet } from '../../controller/snapshot/snapshot.ts';
import { Lost, refusedOr, type Subject } from './subject.ts';

const names = [
  'a',
  'd1',
  'd[1]',
  '*',
  '?',
  '[!x]',
  '{a,b}',
  "it's",
  'q"q',
  ' ',
  'ä€😀',
  'a.b',
  '-',
  '%41',
  '$x',
  '`',
  ';',
  '(x)',
  'a\nb',
];
const columnNames = ['note', 'rowid', 'filename', 'reason', 'place', 'c0', 'text', 'select', 'rows', 'n0', 'byte'];

/** Counts the records of a text, without its header, by regular expressions: slow, but independent of the scanner. */
function recordsOf(text: string): number {
  let [at, count] = [0, 0];
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    at += found?.length ?? 0;
    return found;
  };
  while (at < text.length) {
    if (take(/\r*\n/y) !== undefined || take(/\r+$/y)) continue;
    count += 1;
    for (;;) {
      if (take(/ *"(?:[^"]|"")*"/y) === undefined) take(/[^,\n]*/y);
      take(/\r+(?=\n|$|,)/y);
      if (take(/,/y)) continue;
      // Text after a closing quote is not a field: skip the rest of the line with it.
      take(/[^\n]*/y);
      take(/\n/y);
      break;
    }
  }
  return Math.max(0, count - 1);
}

function folders(): { root: string; next(): string; close(): Promise<void> } {
  const root = mkdtempSync(join(tmpdir(), 'sluice-fuzz-'));
  let count = 0;
  return {
    root,
    next() {
      count += 1;
      mkdirSync(join(root, String(count), 'kept'), { recursive: true });
      return String(count);
    },
    close: async () => rmSync(root, { recursive: true }),
  };
}

const pieces = [
  'a',
  'bc',
  '1',
  ',',
  ',',
  ',',
  '"',
  '"',
  '""',
  '\n',
  '\n',
  '\r\n',
  '\r',
  ' ',
  ';',
  '\t',
  'é',
  '\u00ff',
  '\u0000',
  'x'.repeat(3000),
];

/** Bytes that are hardly CSV: either every read row is counted, or the file is refused. */
export function csvBytes(): Subject {
  const { root, next, close } = folders();
  return {
    name: 'CSV bytes',
    share: 0.2,
    close,
    async play(random) {
      const folder = next();
      const text = `id,note\n${random(fc.array, fc.constantFrom(...pieces), { maxLength: 60 }).join('')}`;
      const file = `${random(fc.constantFrom, ...names)}.csv`;
      writeFileSync(join(root, folder, file), Buffer.from(text, random(fc.boolean) ? 'latin1' : 'utf8'));
      const source = {
        csv: `${folder}/*.csv`,
        key: 'id',
        columns: { id: 'bigint', note: 'string' },
      } as unknown as Source;
      const snapshots = random(fc.boolean)
        ? { storage, folder: join(root, folder, 'kept'), maximumBytes: 1e9 }
        : undefined;
      const reader = csvReader({ root, storage, scratch: join(root, 'scratch'), snapshots });
      const done = await refusedOr(reader.profile('things', source));
      rmSync(join(root, folder), { recursive: true });
      if (!done) return 'refused';
      const { rows, valid, invalid } = done.value.measures;
      // Without line feeds, lines end with carriage returns.
      const expected = recordsOf(text);
      if (rows !== valid + invalid || rows !== expected)
        throw new Lost(
          `${rows} rows, ${valid} valid and ${invalid} invalid, of ${expected}: ${JSON.stringify(text).replace(/x{99,}/g, (many) => `<${many.length} x>`)}`,
        );
      return 'accepted';
    },
  };
}

/** Well-formed files with odd names, columns and values: every value must come back unchanged. */
export function csvValues(): Subject {
  const { root, next, close } = folders();
  return {
    name: 'CSV values',
    share: 0.2,
    close,
    async play(random) {
      const folder = next();
      const column = random(fc.constantFrom, ...columnNames);
      const lineEnd = random(fc.constantFrom, '\n', '\r\n');
      const text = fc.string({
        unit: random(fc.constantFrom, 'grapheme', 'binary', 'grapheme-ascii' as const),
        maxLength: 30,
      });
      const written: string[] = [];
      for (const name of random(fc.uniqueArray, fc.constantFrom(...names), { minLength: 1, maxLength: 4 })) {
        const values = random(fc.array, text, { maxLength: 8 }).map((each) =>
          Buffer.from(each).toString().replaceAll('\0', ''),
        );
        const lines = values.map((value, i) => `${written.length + i},"${value.replaceAll('"', '""')}"`);
        const bom = random(fc.boolean) ? '\ufeff' : '';
        writeFileSync(
          join(root, folder, `${name}.csv`),
          `${bom}id,${column}${lineEnd}${lines.map((line) => line + lineEnd).join('')}`,
        );
        written.push(...values);
      }
      const source = {
        csv: `${folder}/*.csv`,
        key: 'id',
        columns: { id: 'bigint', [column]: 'string' },
      } as unknown as Source;
      const reader = csvReader({
        root,
        storage,
        scratch: join(root, 'scratch'),
        snapshots: { storage, folder: join(root, folder, 'kept'), maximumBytes: 1e9 },
      });
      const { measures, pin } = await reader.profile('things', source);
      const duck = await openDuck(join(root, 'scratch'), [root]);
      const kept = await duck.rows(
        `SELECT id, "${column}" AS value FROM ${parquet(pin.kept?.paths ?? [])} ORDER BY id`,
      );
      await duck.close();
      rmSync(join(root, folder), { recursive: true });
      const expected = written.map((value, id) => ({ id, value: value === '' ? null : value }));
      if (measures.valid !== written.length || JSON.stringify(kept) !== JSON.stringify(expected))
        throw new Lost(`${JSON.stringify(measures)}: ${JSON.stringify(kept)} instead of ${JSON.stringify(expected)}`);
      return 'accepted';
    },
  };
}
