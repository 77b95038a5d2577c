import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, describe, expect, test } from 'vitest';
import { csvReader } from '../../controller/adapters/sources/csv/csv.ts';
import { fileStorage as storage } from '../../controller/adapters/storage/file/file.ts';
import { openDuck } from '../../controller/clients/duckdb.ts';
import type { Source } from '../../controller/domain/pipeline.ts';
import type { SourceReader } from '../../controller/domain/ports/source.ts';
import type { Profile } from '../../controller/domain/profile.ts';
import { parquet } from '../../controller/snapshot/snapshot.ts';

/** Edge cases of CSV: no row is lost silently. */

const root = mkdtempSync(join(tmpdir(), 'sluice-edges-'));
afterAll(() => rmSync(root, { recursive: true }));
let next = 0;

type Files = Readonly<Record<string, string | Buffer>>;
async function profiled(files: Files, columns: readonly string[]): Promise<Profile> {
  next += 1;
  const folder = join(root, String(next));
  await mkdir(folder);
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const declared = Object.fromEntries(columns.map((name) => [name, name === columns[0] ? 'bigint' : 'string']));
  const source = { csv: `${next}/*.csv`, key: columns[0], columns: declared } as unknown as Source;
  return readerIn(folder).profile('things', source);
}

const scratch = join(root, 'scratch');
const readerIn = (at: string): SourceReader =>
  csvReader({ root, storage, scratch, snapshots: { storage, folder: join(at, 'kept'), maximumBytes: 1e9 } });

async function kept(profile: Profile): Promise<Record<string, unknown>[]> {
  const duck = await openDuck(scratch, [root]);
  try {
    return await duck.rows(`SELECT * FROM ${parquet(profile.pin.kept?.paths ?? [])} ORDER BY ALL`);
  } finally {
    await duck.close();
  }
}

describe('CSV files', { timeout: 30_000 }, () => {
  test('with glob characters in their names are each read once', async () => {
    const names = ['d[1].csv', 'd1.csv', '*.csv', '?.csv', "it's {a,b}.csv", '[!x].csv', 'ä "q".csv', ' .csv'];
    const files = Object.fromEntries(names.map((name, i) => [name, `id,note\n${i},${i}\n${i},bad,${i}\n`]));
    const profile = await profiled(files, ['id', 'note']);
    expect(profile.measures).toMatchObject({ rows: 2 * names.length, valid: names.length, duplicates: 0 });
    const rows = await kept(profile);
    expect(rows.map((row) => row.note).filter((note) => note !== null)).toEqual(names.map((_, i) => String(i)));
    expect(rows.map((row) => row.__sluice_where).filter((where) => where !== null)).toHaveLength(names.length);
    for (const name of names) expect(rows.map((row) => row.__sluice_where)).toContain(`${name}:3`);
  });

  test('with columns named like internal ones of the engine lose no row or value', async () => {
    const columns = ['rowid', 'filename', 'reason', 'place', 'text', 'byte', 'c0', 'rows', 'n0', 'select'];
    const line = (id: number): string => columns.map((name) => (name === 'rowid' ? id : `${name} ${id}`)).join(',');
    const profile = await profiled(
      { 'a.csv': `${columns.join(',')}\n${line(7)}\n${line(7)}\n${line(8)}\nx\n` },
      columns,
    );
    expect(profile.measures).toMatchObject({ rows: 4, valid: 3, duplicates: 1 });
    const valid = (await kept(profile)).filter((row) => row.__sluice_reason === null);
    expect(valid.map((row) => columns.map((name) => row[name]).join(','))).toEqual([line(7), line(7), line(8)]);
  });

  test('with broken lines that the engine reports at the same byte have each of them once, at its line', async () => {
    const text = `id,note\n${'x'.repeat(3000)}\n"";\n\n""`;
    const { measures, examples } = await profiled({ 'a.csv': text }, ['id', 'note']);
    expect(measures).toMatchObject({ rows: 3, valid: 0, invalid: 3 });
    expect(examples.map(({ where }) => where).sort()).toEqual(['a.csv:2', 'a.csv:3', 'a.csv:5']);
  });

  test('may have a thousand columns with long names', async () => {
    const columns = Array.from({ length: 1000 }, (_, i) => `${'a_rather_long_name_of_a_column_'.repeat(4)}${i}`);
    const values = columns.map((_, i) => i).join(',');
    const profile = await profiled({ 'a.csv': `${columns.join(',')}\n${values}\nx${values}\n` }, columns);
    expect(profile.measures).toMatchObject({ rows: 2, valid: 1, invalid: 1 });
    expect(profile.examples[0]?.text).toBe(`x${values}`.slice(0, 200));
  });

  test('that are not UTF-8 have invalid rows there', async () => {
    const text = Buffer.concat([Buffer.from('id,note\n1,x\n2,'), Buffer.from([0xe9, 0xff]), Buffer.from('\n3,y\n')]);
    const { measures, examples } = await profiled({ 'a.csv': text }, ['id', 'note']);
    expect(measures).toMatchObject({ rows: 3, valid: 2, invalidByReason: { unreadable: 1 } });
    expect(examples[0]?.where).toBe('a.csv:3');
  });

  test('whose lines end with carriage returns are counted, with locations', async () => {
    const { measures, examples } = await profiled({ 'a.csv': 'id,note\r1,x\r2\r"3","y, ""z"""\r' }, ['id', 'note']);
    expect(measures).toMatchObject({ rows: 3, valid: 2, invalidByReason: { 'too few columns': 1 } });
    expect(examples[0]?.where).toBe('a.csv:3');
  });

  test('with surplus fields have invalid rows there, also when those fields are empty', async () => {
    const text = 'id,note\n1,a,,\n2,b\n3,"c\n",""\n,,\n4,d,e\nx,f\n5,\n';
    const profile = await profiled({ 'a.csv': text, 'b.csv': 'id,note\n6,\n7,,\n' }, ['id', 'note']);
    expect(profile.measures).toMatchObject({
      rows: 9,
      valid: 3,
      invalidByReason: { 'too many columns': 5, 'id: not a bigint': 1 },
    });
    const rows = (await kept(profile)).filter((row) => row.__sluice_reason !== null);
    expect(rows.map((row) => [row.__sluice_where, row.__sluice_raw]).sort()).toEqual([
      ['a.csv:2', '1,a,,'],
      ['a.csv:4', '3,"c\n",'],
      ['a.csv:6', ',,'],
      ['a.csv:7', '4,d,e'],
      ['a.csv:8', 'x,f'],
      ['b.csv:3', '7,,'],
    ]);
  });

  test('with any line ends in their values have each invalid row at its line', async () => {
    const text = 'id,note\r\n1,"a\rb\nc\r\nd"\r\n2\r\nx,"e\n\r"\r\n\r\n3,f,g\r\n4,"h"';
    const profile = await profiled({ 'a.csv': text }, ['id', 'note']);
    const rows = (await kept(profile)).filter((row) => row.__sluice_reason !== null);
    const told = rows.map((row) => [row.__sluice_where, row.__sluice_reason, row.__sluice_raw]).sort();
    expect(told).toEqual([
      ['a.csv:5', 'too few columns', '2'],
      ['a.csv:6', 'id: not a bigint', 'x,"e\n\r"'],
      ['a.csv:9', 'too many columns', '3,f,g'],
    ]);
    const old = await profiled({ 'a.csv': 'id,note\r1,"a\nb\r\n"\r2\r3,c,\r' }, ['id', 'note']);
    expect(old.examples.map(({ where, reason }) => [where, reason]).sort()).toEqual([
      ['a.csv:4', 'too few columns'],
      ['a.csv:5', 'too many columns'],
    ]);
  });

  test.each(['id,note\n1,x\r\n2\n', 'id,note\r\n1,"x"\n\n2,"y\n"\n', 'id,note\r1,x\n2,y\n'])(
    'with mixed line ends are refused with the line: %j',
    async (text) => {
      await expect(profiled({ 'a.csv': text }, ['id', 'note'])).rejects.toMatchObject({
        kind: 'rejected',
        message: expect.stringMatching(/a\.csv:2: this line ends otherwise than the first one of the file/),
      });
    },
  );

  const many = Array.from({ length: 300_000 }, (_, i) => `${i},row ${i}`).join('\n');
  test.each([
    [
      'a quote that is never closed',
      `id,note\n1,x\n2,"open\n${many}\n`,
      /a\.csv:3: a quote is opened here and never closed/,
    ],
    [
      'a stray quote that another one far below seems to close',
      `id,note\n1,x\n2,"open\n${many}\n3,"y"\n`,
      /a\.csv:3: a quote is opened here or below, and other text follows the one that closes it on line 300004/,
    ],
    [
      'a record of 40 MB',
      `id,note\n1,x\n2,${'y'.repeat(40 << 20)}\n3,z\n`,
      /a\.csv:3: a record of more than 16 MiB begins here/,
    ],
    [
      'a quoted record of 40 MB',
      `id,note\n1,x\n2,"${'y\n'.repeat(20 << 20)}"\n3,z\n`,
      /a\.csv:3: a quote is opened here and not closed within 16 MiB/,
    ],
  ])('with %s are refused by name and line', async (_what, text, message) => {
    await expect(profiled({ 'a.csv': text, 'b.csv': 'id,note\n1,x\n' }, ['id', 'note'])).rejects.toMatchObject({
      kind: 'rejected',
      message: expect.stringMatching(message),
    });
  });

  test('that are links out of the project are refused, unless conf/ allows their targets', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'sluice-outside-'));
    try {
      await writeFile(join(outside, 'x.csv'), 'id,note\n1,x\n');
      await mkdir(join(root, 'links'));
      await symlink(join(outside, 'x.csv'), join(root, 'links', 'x.csv'));
      const options = { storage, root, scratch };
      const source = { csv: 'links/*.csv', key: 'id', columns: { id: 'bigint', note: 'string' } } as unknown as Source;
      await expect(csvReader(options).profile('things', source)).rejects.toThrow(/link that leads out of the project/);
      const allowed = csvReader({ ...options, allowed: [outside] });
      expect((await allowed.profile('things', source)).measures.rows).toBe(1);
    } finally {
      rmSync(outside, { recursive: true });
    }
  });

  test('that are pipes or dangling links are refused instead of blocking', async () => {
    for (const [folder, make] of [
      ['pipe', (path: string) => execa('mkfifo', [path])],
      ['nowhere', (path: string) => symlink(join(root, 'nowhere-at-all.csv'), path)],
    ] as const) {
      await mkdir(join(root, folder));
      await make(join(root, folder, 'x.csv'));
      const source = { csv: `${folder}/*.csv`, key: 'id', columns: { id: 'bigint' } } as unknown as Source;
      const reader = csvReader({ root, storage, scratch });
      await expect(reader.profile('things', source)).rejects.toMatchObject({
        kind: 'rejected',
        message: expect.stringMatching(/x\.csv is (no file|a link that leads nowhere)|no file matches/),
      });
    }
  });

  test('in folders named name=value have their own values, also in the snapshot', async () => {
    const folder = join(root, 'status=closed', 'reason=damaged', 'c0=7');
    await mkdir(join(folder, 'kept'), { recursive: true });
    await writeFile(join(folder, 'a.csv'), 'id,status,reason\n1,open,none\n2,paid,\n');
    const columns = { id: 'bigint', status: 'string', reason: 'string' };
    const source = { csv: 'status=closed/**/*.csv', key: 'id', columns } as unknown as Source;
    const profile = await readerIn(folder).profile('things', source);
    expect(profile.measures).toMatchObject({ rows: 2, valid: 2, nulls: { id: 0, status: 0, reason: 1 } });
    expect((await kept(profile)).map(({ id, status, reason }) => [id, status, reason])).toEqual([
      [1, 'open', 'none'],
      [2, 'paid', null],
    ]);
  });

  test('of one column count an empty line as an empty value', async () => {
    const { measures, examples } = await profiled({ 'a.csv': 'id\n1\n\n2\n' }, ['id']);
    expect(measures).toMatchObject({ rows: 3, valid: 2, invalidByReason: { 'id: missing': 1 } });
    expect(examples[0]?.where).toBe('a.csv:3');
  });

  test('that are large are sampled up to the end of a record, also with values of several lines', async () => {
    const lines = Array.from({ length: 3000 }, (_, i) => `${i},"line\nline\nline ${i}"`);
    await mkdir(join(root, 'large'));
    await writeFile(join(root, 'large', 'a.csv'), `id,note\n${lines.join('\n')}\n`);
    const source = { csv: 'large/*.csv', key: 'id', columns: { id: 'bigint', note: 'string' } } as unknown as Source;
    const reader = csvReader({ root, storage, scratch, sampleAbove: 1000 });
    const { measures, pin } = await reader.profile('things', source);
    expect(measures.invalid).toBe(0);
    expect(measures.estimatedFrom).toBeLessThan(measures.bytes / 3);
    expect(pin).toMatchObject({ records: 3000 });
  });

  test('that are not UTF-8 in a value of several lines have an invalid row, and the others are read', async () => {
    const text = Buffer.concat([Buffer.from('id,note\n1,"a\n'), Buffer.from([0xff]), Buffer.from('"\n2,b\n')]);
    const { measures } = await profiled({ 'a.csv': text, 'x.csv': 'id,note\n3,c\n' }, ['id', 'note']);
    expect(measures).toMatchObject({ rows: 3, valid: 2, invalidByReason: { unreadable: 1 } });
  });

  test('with values of several lines, doubled quotes and empty lines are read completely', async () => {
    const text = 'id,note\r\n1,"two\r\nlines, ""quoted"""\r\n\r\n2,"\n\n"\r\n3,""\r\n';
    const profile = await profiled({ 'a.csv': text }, ['id', 'note']);
    expect(profile.measures).toMatchObject({ rows: 3, valid: 3 });
    expect(profile.pin).toMatchObject({ records: 3 });
    expect((await kept(profile)).map((row) => row.note)).toEqual(['two\r\nlines, "quoted"', '\n\n', null]);
  });
});
