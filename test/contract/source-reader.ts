import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileStorage as storage } from '../../controller/adapters/storage/file/file.ts';
import { openDuck } from '../../controller/clients/duckdb.ts';
import type { Source } from '../../controller/domain/pipeline.ts';
import type { SourceReader } from '../../controller/domain/ports/source.ts';
import type { Pin } from '../../controller/domain/profile.ts';
import { own, type SnapshotOptions } from '../../controller/snapshot/snapshot.ts';

/** A source filled with `rows`: ids 2 (an unknown status) and 3 (no id) are invalid, and id 1 is a duplicate. */
export interface Filled {
  readonly reader: SourceReader;
  readonly source: Source;
  /** Adds one more valid row later. */
  addRow(): Promise<void>;
}

export const columns = {
  id: 'bigint',
  status: { type: 'string', values: ['new', 'done'] },
  note: 'string',
} as const;

/** The rows of the source; an empty string stands for NULL. The note holds texts that are hard to read. */
export const rows: readonly (readonly [id: string, status: string, note: string])[] = [
  ['1', 'new', 'plain'],
  ['1', 'done', 'the same key again'],
  ['2', 'lost', 'an unknown status'],
  ['', 'new', 'no key'],
  ['5', '', 'кириллица, "кавычки" и\nдве строки'],
];

/**
 * The contract of every source reader. `newAfterAdding` rows are new once a row was added: more than one where a whole
 * file counts.
 */
export function sourceReaderContract(
  name: string,
  open: (snapshots?: SnapshotOptions) => Promise<Filled>,
  newAfterAdding = 1,
): void {
  describe(`the source reader of ${name}`, () => {
    test('counts rows, invalid rows by their first reason, nulls and duplicate keys exactly', async () => {
      const { reader, source } = await open();
      const { measures, examples } = await reader.profile('things', source);
      expect(measures).toMatchObject({
        rows: 5,
        valid: 3,
        invalid: 2,
        invalidByReason: { 'status: unknown value': 1, 'id: missing': 1 },
        nulls: { id: 1, status: 1, note: 0 },
        duplicates: 1,
        new: 5,
      });
      expect(measures.bytes).toBeGreaterThan(0);
      expect(examples.map((example) => example.reason).sort()).toEqual(['id: missing', 'status: unknown value']);
      await reader.close();
    });

    test('writes a snapshot of the measured rows, typed and with reasons, when it has a folder', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'sluice-kept-'));
      const { reader, source } = await open({ storage, folder, maximumBytes: 1e6 });
      const { measures, pin } = await reader.profile('things', source);
      const { kept } = pin;
      if (!kept) throw new Error('nothing was kept');
      expect(kept.columns).toEqual([
        { name: 'id', type: 'BIGINT' },
        { name: 'status', type: 'STRING' },
        { name: 'note', type: 'STRING' },
        { name: own.reason, type: 'STRING' },
        { name: own.raw, type: 'STRING' },
      ]);
      const duck = await openDuck(folder, [folder]);
      const all = await duck.rows(`SELECT * FROM read_parquet('${kept.paths[0]}') ORDER BY id, note`);
      await duck.close();
      await reader.close();
      rmSync(folder, { recursive: true });
      expect(all).toHaveLength(measures.rows);
      expect(
        all.filter((row) => row[own.reason] === null).map((row) => [row.id, row.status, row.note, row[own.raw]]),
      ).toEqual([
        [1, 'new', 'plain', null],
        [1, 'done', 'the same key again', null],
        [5, null, 'кириллица, "кавычки" и\nдве строки', null],
      ]);
      const invalid = all.filter((row) => row[own.reason] !== null);
      expect(invalid.map((row) => row[own.reason]).sort()).toEqual(['id: missing', 'status: unknown value']);
      for (const row of invalid) expect(String(row[own.raw])).toContain(String(row.note));
    });

    test('writes no snapshot of a source that is too large', async () => {
      const { reader, source } = await open({ storage, folder: '/nowhere', maximumBytes: 1 });
      expect((await reader.profile('things', source)).pin.kept).toBeUndefined();
      await reader.close();
    });

    test('counts the rows that an earlier run has not read', async () => {
      const { reader, source, addRow } = await open();
      const first = await reader.profile('things', source);
      await reader.close();
      // A pin in a history has been through JSON.
      const pin = JSON.parse(JSON.stringify(first.pin)) as Pin;
      const again = await reader.profile('things', source, { pin });
      expect(again.measures.new).toBe(0);
      await reader.close();
      await addRow();
      const later = await reader.profile('things', source, { pin });
      expect(later.measures.rows).toBe(6);
      expect(later.measures.new).toBe(newAfterAdding);
      await reader.close();
    });
  });
}
