import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fileStorage as storage } from '../../controller/adapters/storage/file/file.ts';
import { type EmbeddedJob, execute } from '../../controller/embedded/execute.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-execute-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Nobody listens on port 9. */
const address = { host: '127.0.0.1', port: 9, database: 'd', user: 'u', sslmode: 'disable' } as const;
const run = (sql: string, outputs: EmbeddedJob['outputs']) =>
  execute({ key: 'k', sql, inputs: [], outputs }, { storage, scratch: folder, memoryMb: 256, threads: 1 });
const view = (name: string, sql: string): string => `CREATE OR REPLACE TEMP VIEW ${name} AS ${sql};`;

test('a database that is away fails the job with its error, however long the other outputs take', async () => {
  const parquet = join(folder, 'away');
  const digits = Array.from({ length: 10 }, (_, i) => `SELECT ${i} AS x`).join(' UNION ALL ');
  const million = 'SELECT a.x FROM d a CROSS JOIN d b CROSS JOIN d c CROSS JOIN d e CROSS JOIN d f CROSS JOIN d g';
  const { state, error, outputs } = await run(view('d', digits) + view('v', million), [
    { view: 'v', kind: 'postgres', place: 's.v', address },
    { view: 'v', kind: 'parquet', place: parquet },
  ]);
  expect({ state, outputs }).toEqual({ state: 'failed', outputs: [] });
  expect(error?.message).toMatch(/127\.0\.0\.1:9/);
  expect(existsSync(join(parquet, '_SUCCESS'))).toBe(true);
});

test('a view that cannot be computed is the error, also while a database is still to take the one before', async () => {
  const sql = view('a', 'SELECT 1 AS id') + view('b', "SELECT CAST('x' AS int) AS id");
  const { error } = await run(sql, [
    { view: 'a', kind: 'postgres', place: 's.a', address },
    { view: 'b', kind: 'parquet', place: join(folder, 'b') },
  ]);
  expect(error).toMatchObject({ phase: 'computing b' });
});
