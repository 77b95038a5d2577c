import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fileStorage } from '../../controller/adapters/storage/file/file.ts';
import { openDuck } from '../../controller/clients/duckdb.ts';
import { writeQuarantine } from '../../controller/snapshot/repairs.ts';
import { parquet } from '../../controller/snapshot/snapshot.ts';

test('the quarantines of several sources that are written at the same time each have their own rows', async () => {
  const root = mkdtempSync(join(tmpdir(), 'sluice-quarantine-'));
  const duck = await openDuck(root, [root]);
  try {
    const sources = Array.from({ length: 12 }, (_, i) => `source${i}`);
    const csv = (source: string): string => join(root, `${source}.csv`);
    await Promise.all(
      sources.map((source) =>
        writeQuarantine(duck, `(SELECT '${source}' AS a FROM range(2000))`, fileStorage, csv(source)),
      ),
    );
    for (const source of sources) {
      expect(new Set(readFileSync(csv(source), 'utf8').trim().split('\n'))).toEqual(new Set(['a', source]));
      const unchanged = parquet([csv(source).replace(/csv$/, 'parquet')]);
      expect(await duck.rows(`SELECT a, count(*) AS n FROM ${unchanged} GROUP BY a`)).toEqual([{ a: source, n: 2000 }]);
    }
  } finally {
    await duck.close();
    rmSync(root, { recursive: true });
  }
});
