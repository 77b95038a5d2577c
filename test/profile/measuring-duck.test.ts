import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Duck } from '../../controller/clients/duckdb.ts';
import { measureRelation } from '../../controller/snapshot/measure.ts';
import { measureInDuck } from '../../controller/snapshot/measuring-duck.ts';
import { own } from '../../controller/snapshot/snapshot.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-measuring-'));
afterAll(() => rmSync(root, { recursive: true }));

describe('a database for measuring', () => {
  test('is one of at most two that are open at a time, also after a failure', async () => {
    let [open, most] = [0, 0];
    let bothOpen = (): void => undefined;
    const both = new Promise<void>((resolve) => {
      bothOpen = resolve;
    });
    const work = (fails: boolean) => async () => {
      open += 1;
      most = Math.max(most, open);
      if (open === 2) bothOpen();
      // The first one stays open until the second one is.
      await both;
      open -= 1;
      if (fails) throw new Error('no such column');
    };
    const settled = await Promise.allSettled(
      [false, true, false, true, false].map((fails) => measureInDuck(root, [], work(fails))),
    );
    const [done, failed] = ['fulfilled', 'rejected'];
    expect(settled.map(({ status }) => status)).toEqual([done, failed, done, failed, done]);
    expect({ open, most }).toEqual({ open: 0, most: 2 });
  });

  test('spills to disk what does not fit into its memory', async () => {
    const rows = await measureInDuck(root, [], async (duck) => {
      await duck.run(
        `CREATE TEMP TABLE texts AS SELECT i, repeat(md5(i::VARCHAR), 10) AS text FROM range(1500000) t(i)`,
      );
      return duck.rows('SELECT count(DISTINCT text) AS n FROM texts WHERE i % 3 = 0');
    });
    expect(rows).toEqual([{ n: 500_000 }]);
  });

  test('counts keys in parts when all at once are too many for its memory', async () => {
    const asked: string[] = [];
    const counted = await measureInDuck(root, [], async (duck) => {
      await duck.run(
        `CREATE TABLE rows AS SELECT nullif(i % 1000, 7) AS id, if(i % 100 = 0, 'broken', NULL) AS ${own.reason},
         '' AS ${own.raw}, '' AS ${own.where}, '{}' AS ${own.fields}, false AS ${own.isNew} FROM range(5000) t(i)`,
      );
      const small: Duck = {
        ...duck,
        rows(sql) {
          if (!sql.includes('DISTINCT')) return duck.rows(sql);
          asked.push(sql);
          // As with four million keys or so in all.
          if (!sql.includes('% 256')) return Promise.reject(new Error('Out of Memory Error: could not allocate block'));
          return duck.rows(sql);
        },
      };
      return {
        all: await measureRelation(duck, 'rows', 'id', 0),
        parts: await measureRelation(small, 'rows', 'id', 0),
      };
    });
    expect(counted.parts).toEqual(counted.all);
    // 990 keys in five rows each, of which one is NULL.
    expect(counted.all.measures.duplicates).toBe(4950 - 989);
    expect(asked).toHaveLength(2 + 256);
  });

  test('has more memory in a second try, when a row is too large for the first', async () => {
    const limits: unknown[] = [];
    const length = await measureInDuck(root, [], async (duck) => {
      limits.push(...(await duck.rows(`SELECT current_setting('memory_limit') AS memory`)));
      const [row] = await duck.rows(`SELECT length(string_agg(repeat('x', 1000000), '')) AS n FROM range(100)`);
      return row?.n;
    });
    expect(length).toBe(100_000_000);
    expect(limits).toHaveLength(2);
    expect(limits[1]).toEqual({ memory: '1.0 GiB' });
  });
});
