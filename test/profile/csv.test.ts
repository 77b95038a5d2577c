import { mkdtempSync, rmSync } from 'node:fs';
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { csvReader } from '../../controller/adapters/sources/csv/csv.ts';
import { fileStorage as storage } from '../../controller/adapters/storage/file/file.ts';
import { openDuck } from '../../controller/clients/duckdb.ts';
import type { Source } from '../../controller/domain/pipeline.ts';
import { own, type SnapshotOptions } from '../../controller/snapshot/snapshot.ts';
import { columns, rows, sourceReaderContract } from '../contract/source-reader.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-csv-'));
afterAll(() => rmSync(root, { recursive: true }));
let next = 0;

const quoted = (value: string): string => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

async function filled(
  files: Readonly<Record<string, string | Uint8Array>>,
  declared: Record<string, unknown> = columns,
  snapshots?: SnapshotOptions,
) {
  next += 1;
  const folder = join(root, String(next));
  await mkdir(folder);
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const source = { csv: `${next}/*.csv`, key: 'id', columns: declared } as Source;
  return { reader: csvReader({ root, storage, scratch: join(root, 'scratch'), snapshots }), source, folder };
}

const header = 'id,status,note\n';
const text = `${header}${rows.map((row) => row.map(quoted).join(',')).join('\n')}\n`;

sourceReaderContract(
  'CSV files',
  async (snapshots) => {
    const { reader, source, folder } = await filled({ 'a.csv': text }, columns, snapshots);
    return { reader, source, addRow: () => appendFile(join(folder, 'a.csv'), '6,new,later\n') };
  },
  6,
);

describe('CSV files', () => {
  test('with lines that cannot be split are counted by reason, each line once, with file and line of examples', async () => {
    const { reader, source } = await filled({
      'a.csv': `${header}1,new,"two\nlines"\n2,new\n3,new,x,y,z\n4,new,"open"x\n`,
      'b.csv': `${header}5,new,x\n`,
    });
    const { measures, examples } = await reader.profile('things', source);
    expect(measures).toMatchObject({
      rows: 5,
      valid: 2,
      invalidByReason: { 'too few columns': 1, 'too many columns': 1, unreadable: 1 },
    });
    expect(examples.find((example) => example.reason === 'too few columns')).toMatchObject({
      where: 'a.csv:4',
      text: '2,new',
    });
  });

  test('have the line of every invalid row, whatever is between them', async () => {
    const { reader, source, folder } = await filled(
      {
        'a.csv': `${header}1,new,"two\nlines"\n2,lost,x\n3,new\n\n4,"open"x,y\n5,lost,"a\n\nb"\n,new,"c\nd"\n8,new,ok\n9,x,y,z,w\n10,lost,end\n`,
        'b.csv': `${header.trim()}\r\n1,new,x\r\n2,lost,x\r\n`,
      },
      columns,
      { storage, folder: join(root, 'lines'), maximumBytes: 1e6 },
    );
    const { pin } = await reader.profile('things', source);
    const duck = await openDuck(folder, [root]);
    const invalid = await duck.rows(
      `SELECT ${own.where} AS _where, ${own.reason} AS _reason, note FROM read_parquet('${pin.kept?.paths[0]}') WHERE ${own.reason} IS NOT NULL `,
    );
    await duck.close();
    const line = (where: unknown): number => Number(String(where).split(':')[1]);
    invalid.sort((a, b) => line(a._where) - line(b._where) || (String(a._where) < String(b._where) ? -1 : 1));
    expect(invalid.map(({ _where, _reason }) => [_where, _reason])).toEqual([
      ['b.csv:3', 'status: unknown value'],
      ['a.csv:4', 'status: unknown value'],
      ['a.csv:5', 'too few columns'],
      ['a.csv:7', 'unreadable'],
      ['a.csv:8', 'status: unknown value'],
      ['a.csv:11', 'id: missing'],
      ['a.csv:14', 'too many columns'],
      ['a.csv:15', 'status: unknown value'],
    ]);
  });

  test('are checked against the declared types', async () => {
    const declared = { id: 'bigint', at: 'timestamp', day: 'date', n: 'int', x: 'double', b: 'boolean' };
    const valid = [
      '1,2024-01-31 10:00:00,2024-02-29,5,1.5e3,true',
      '2,2024-01-31T10:00:00.123456+03:00,,-5,-1,false',
      '9223372036854775807,2024-01-31 10:00,,,,',
    ];
    const invalid = [
      '1,2024-02-30 10:00:00,,,,',
      '1,,2023-02-29,,,',
      '1,,,2147483648,,',
      '1,,,,1e,',
      '1,,,,,yes',
      '9223372036854775808,,,,,',
      '1.0,,,,,',
      ' 1,,,,,',
    ];
    const { reader, source } = await filled(
      { 'a.csv': `id,at,day,n,x,b\n${[...valid, ...invalid].join('\n')}\n` },
      declared,
    );
    const { measures } = await reader.profile('things', source);
    expect(measures).toMatchObject({
      rows: 11,
      valid: 3,
      invalidByReason: {
        'at: not a timestamp': 1,
        'day: not a date': 1,
        'n: not an int': 1,
        'x: not a double': 1,
        'b: not a boolean': 1,
        'id: not a bigint': 3,
      },
    });
  });

  test('that are empty have no rows, also when all of them are', async () => {
    const { reader, source } = await filled({ 'a.csv': '', 'b.csv': header });
    expect((await reader.profile('things', source)).measures).toMatchObject({ rows: 0, valid: 0, duplicates: 0 });
    const none = await filled({ 'a.csv': '' });
    expect((await none.reader.profile('things', none.source)).measures).toMatchObject({ rows: 0, new: 0 });
  });

  test('with a byte-order mark are read', async () => {
    const { reader, source } = await filled({ 'a.csv': `\uFEFF${header}1,new,x\n` });
    expect((await reader.profile('things', source)).measures).toMatchObject({ rows: 1, valid: 1 });
  });

  test.each([
    ['of which there are none', {}, /things: no file matches .* — |things: no file matches/],
    [
      'with another header',
      { 'a.csv': 'id,state,note\n1,new,x\n' },
      /a\.csv:1: another header.*\n {2}found {4}id,state,note\n {2}expected id,status,note/,
    ],
    [
      'with two kinds of line ends',
      { 'a.csv': `${header}1,new,x\r\n2,new,x\r\n` },
      /a\.csv:2: this line ends otherwise than the first one/,
    ],
    ['that are binary', { 'a.csv': Uint8Array.from([0x50, 0x4b, 0, 1, 2]) }, /a\.csv is a binary file/],
  ])('%s are refused, and named', async (_what, files, message) => {
    const { reader, source } = await filled(files);
    await expect(reader.profile('things', source)).rejects.toThrow(message);
    await expect(reader.profile('things', source)).rejects.toMatchObject({ kind: 'rejected' });
  });

  test('that are large are sampled, and the estimate is named as one', async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `${i},${i % 10 === 0 ? 'lost' : 'new'},note ${i % 97}`);
    const { source, folder } = await filled({
      'a.csv': `${header}${lines.join('\n')}\n`,
      'b.csv': `${header}1,new,x\n`,
    });
    const exact = await csvReader({ root, storage, scratch: join(root, 'scratch') }).profile('things', source);
    expect(exact.measures).toMatchObject({ rows: 20_001, invalid: 2000 });
    expect(exact.measures.estimatedFrom).toBeUndefined();
    const snapshots = { storage, folder, maximumBytes: 1000 };
    const large = csvReader({ root, storage, scratch: join(root, 'scratch'), snapshots, sampleAbove: 1000 });
    const { measures, pin } = await large.profile('things', source);
    expect(pin.kept).toBeUndefined();
    expect(measures.estimatedFrom).toBeLessThan(exact.measures.bytes / 3);
    expect(measures.bytes).toBe(exact.measures.bytes);
    expect(measures.rows).toBe(measures.valid + measures.invalid);
    expect(Math.abs(measures.rows / 20_001 - 1)).toBeLessThan(0.1);
    expect(Math.abs(measures.invalid / 2000 - 1)).toBeLessThan(0.1);
  });
});
