import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { carriedRows, inTodaysNames } from '../../controller/adapters/sources/kafka/log.ts';
import { openDuck } from '../../controller/clients/duckdb.ts';
import { literal } from '../../controller/clients/sql.ts';
import { parquet } from '../../controller/snapshot/snapshot.ts';

test('rows of a topic that an earlier version read are carried over under the current names', async () => {
  const root = mkdtempSync(join(tmpdir(), 'sluice-log-'));
  const duck = await openDuck(join(root, 'scratch'), [root]);
  try {
    const path = join(root, 'events.parquet');
    await duck.run(
      `COPY (SELECT i AS id, NULL::VARCHAR AS _reason, NULL::VARCHAR AS _raw, NULL::VARCHAR AS _where, NULL::VARCHAR AS _fields,
         NULL::VARCHAR AS _original, 0 AS _part, i AS _pos FROM range(5) r(i)) TO ${literal(path)} (FORMAT parquet)`,
    );
    const from = new Map([[0, 3]]);
    const before = {
      paths: [path],
      local: [path],
      relation: parquet([path]),
      from,
      bytes: 1,
      youngest: 1,
      merge: false,
      notes: [],
    };
    const today = await inTodaysNames(duck, before);
    expect(today.merge).toBe(true);
    const rows = await duck.rows(
      `SELECT id, __sluice_pos AS pos, __sluice_reason AS reason FROM ${carriedRows(today)}`,
    );
    expect(rows).toEqual([0, 1, 2].map((id) => ({ id, pos: id, reason: null })));
    await duck.run(`COPY (SELECT * FROM ${carriedRows(today)}) TO ${literal(`${path}.new`)} (FORMAT parquet)`);
    const rewritten = { ...before, paths: [`${path}.new`], relation: parquet([`${path}.new`]) };
    expect(await inTodaysNames(duck, rewritten)).toBe(rewritten);
  } finally {
    await duck.close();
    rmSync(root, { recursive: true });
  }
});
