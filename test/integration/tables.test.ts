import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stagingTable } from '../../controller/adapters/sinks/postgres/driver.ts';
import { postgresPublisher } from '../../controller/adapters/sinks/postgres/postgres.ts';
import { postgresReader } from '../../controller/adapters/sources/postgres/postgres.ts';
import { fileStorage as storage } from '../../controller/adapters/storage/file/file.ts';
import { openDuck } from '../../controller/clients/duckdb.ts';
import { identifier } from '../../controller/clients/sql.ts';
import { postgresAddress } from '../../controller/config/addresses.ts';
import type { Source } from '../../controller/domain/pipeline.ts';
import type { Profile } from '../../controller/domain/profile.ts';
import { parquet, type SnapshotOptions } from '../../controller/snapshot/snapshot.ts';
import { folder, project, query, sluiceJson, write } from './world.ts';

/** Tables as they exist in practice, and as an attacker makes them: preserved exactly, or refused by name. */

const here = await project();
const scratch = join(here.home, 'tmp');
const address = postgresAddress(here, { database: 'shop' });

async function profiled(table: string, maximumBytes = 1e9): Promise<Profile> {
  const snapshots: SnapshotOptions = { storage, folder: join(here.home, 'tables'), maximumBytes };
  const reader = postgresReader(() => address, scratch, snapshots);
  try {
    return await reader.profile(table, { postgres: 'shop', table, key: 'id' } as Source);
  } finally {
    await reader.close();
  }
}

async function kept({ pin }: Profile): Promise<Record<string, unknown>[]> {
  if (!pin.kept) throw new Error('nothing was kept');
  const duck = await openDuck(scratch, [here.home]);
  try {
    return await duck.rows(`SELECT * FROM ${parquet(pin.kept.paths)} ORDER BY id`);
  } finally {
    await duck.close();
  }
}

const odd = [
  't',
  '_airbyte_id',
  '_reason',
  '_raw',
  'rowid',
  'a"b',
  'a`b',
  'a[0]',
  '$.x',
  'a.b',
  '*',
  "it's",
  'Größe',
  'n0',
];

describe('a table', () => {
  test('may have columns with any names: all of them reach the published output', async () => {
    const columns = odd.map((name) => `${identifier(name)} text`).join(', ');
    const values = odd.map((name) => `'of ' || $$${name}$$`).join(', ');
    await query(`CREATE TABLE odd (id bigint, ${columns}); INSERT INTO odd SELECT 1, ${values}`);
    await write('sql/odd.sql', 'CREATE OR REPLACE TEMP VIEW result AS SELECT * FROM odd');
    await write(
      'conf/pipelines/odd.yaml',
      `name: odd
sources: { odd: { postgres: shop, table: odd, key: id } }
branches: [{ name: all }]
steps:
  work:
    spark: { sql: sql/odd.sql, executorMemory: 512m, driverMemory: 512m }
    outputs:
      - { parquet: data/published/odd, views: [result] }
      - { postgres: shop, schema: odd, views: [result] }
`,
    );
    const { exitCode, doc } = await sluiceJson('run', 'conf/pipelines/odd.yaml');
    expect([exitCode, doc.state, doc.error]).toEqual([0, 'succeeded', undefined]);
    const expected = { id: 1, ...Object.fromEntries(odd.map((name) => [name, `of ${name}`])) };
    expect(await query('SELECT * FROM odd.result')).toEqual([expected]);
    const duck = await openDuck(scratch, [folder]);
    const files = `read_parquet('${join(folder, 'data/published/odd/current/result')}/*.parquet')`;
    expect(await duck.rows(`SELECT * FROM ${files}`)).toEqual([expected]);
    await duck.close();
  });

  test('with SQL in its column names does not execute it', async () => {
    const out = join(here.home, 'evil');
    const names = [
      'a"=1)FROM(SELECT 1 a,1 _reason,true _new)GROUP BY 1;/*',
      `*/COPY(SELECT 1)TO $$${out}$$;--`.slice(0, 63),
    ];
    await query(`CREATE TABLE evil (id bigint, ${names.map((name) => `${identifier(name)} int`).join(', ')})`);
    await query('INSERT INTO evil VALUES (1, 2, 3)');
    const profile = await profiled('evil');
    expect(profile.measures).toMatchObject({ rows: 1, valid: 1 });
    expect(Object.keys((await kept(profile))[0] ?? {})).toEqual(expect.arrayContaining(names));
    expect(existsSync(out)).toBe(false);
  });

  test.each([
    ['"Name" text, name text', /columns "Name" and "name" differ only in case/],
    ['__sluice_reason text', /column "__sluice_reason": names that begin with __sluice_ are Sluice's own/],
  ])('with columns that an engine cannot preserve is refused by their names: %s', async (columns, message) => {
    await query(`DROP TABLE IF EXISTS clash; CREATE TABLE clash (id bigint, ${columns})`);
    await expect(profiled('clash')).rejects.toMatchObject({
      kind: 'rejected',
      message: expect.stringMatching(message),
    });
  });

  const times = `CREATE TABLE times (id bigint, day date, at timestamptz, amount numeric, price numeric(10,2));
    INSERT INTO times VALUES (1, '2026-01-01', '2026-01-01 10:00Z', 1.5, 2), (2, 'infinity', NULL, NULL, NULL),
      (3, NULL, '-infinity', NULL, NULL), (4, '0044-03-15 BC', NULL, NULL, NULL), (5, NULL, '0044-03-15 10:00Z BC', NULL, NULL),
      (6, NULL, NULL, 1e100, NULL), (7, NULL, NULL, 'NaN', NULL), (8, NULL, NULL, 0.1234567890123456789, NULL),
      (9, NULL, NULL, NULL, 'NaN'), (10, '10000-01-01', NULL, NULL, NULL), (11, '0001-01-01', '9999-12-31 23:59:59.999999Z', -1e19, -1)`;
  const unfit = {
    'day: infinite': 1,
    'at: infinite': 1,
    'day: not in the years 1 to 9999': 2,
    'at: not in the years 1 to 9999': 1,
    'amount: does not fit decimal(38,18)': 3,
    'price: does not fit decimal(10,2)': 1,
  };

  test('with dates and numbers out of range has invalid rows, each with its reason and location', async () => {
    await query(times);
    const profile = await profiled('times');
    expect(profile.measures).toMatchObject({ rows: 11, valid: 2, invalid: 9, invalidByReason: unfit });
    expect(profile.examples.map(({ where }) => where)).toContain('times id=2');
    const rows = await kept(profile);
    expect(
      rows.filter((row) => row.__sluice_reason === null).map(({ id, day }) => [id, String(day).slice(0, 10)]),
    ).toEqual([
      [1, '2026-01-01'],
      [11, '0001-01-01'],
    ]);
    expect(String(rows[1]?.__sluice_raw)).toContain('"day": "infinity"');
    // The text has every digit of the number.
    expect(JSON.parse(String(rows[7]?.__sluice_fields)).amount).toBe('0.1234567890123456789');
  });

  test('that is too large for a snapshot is refused for values that Spark would change', async () => {
    await query(`DROP TABLE IF EXISTS times; ${times}`);
    await expect(profiled('times', 1)).rejects.toThrow(
      /times: \d+ rows of a table that Spark reads itself: (day|at|amount|price): /,
    );
    await expect(profiled('odd', 1)).rejects.toThrow(
      /odd: column "a\\"b" of a table too large for a snapshot has a quote/,
    );
  });

  test('of any kind is limited by its real size, also a view or a partitioned one, and is not copied beyond the limit', async () => {
    await query(`CREATE TABLE parts (id bigint, note text) PARTITION BY RANGE (id);
      CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (1000000);
      INSERT INTO parts SELECT i, repeat('x', 100) FROM generate_series(1, 5000) i;
      CREATE VIEW seen AS SELECT * FROM parts`);
    for (const table of ['parts', 'seen']) {
      const all = await profiled(table);
      expect(all.measures.rows).toBe(5000);
      expect(all.measures.bytes).toBeGreaterThan(500_000);
      const { pin, measures } = await profiled(table, 100_000);
      expect(pin.kept).toBeUndefined();
      expect(measures.bytes).toBeGreaterThan(500_000);
    }
  });

  test('named like an SQL keyword is read by Spark itself', async () => {
    await query('CREATE TABLE "order" (id bigint, at time); INSERT INTO "order" VALUES (1, $$10:00$$)');
    await write('sql/reserved.sql', 'CREATE OR REPLACE TEMP VIEW result AS SELECT id FROM orders');
    await write(
      'conf/pipelines/reserved.yaml',
      `name: reserved
sources: { orders: { postgres: shop, table: order, key: id } }
branches: [{ name: all }]
steps:
  work:
    spark: { sql: sql/reserved.sql, executorMemory: 512m, driverMemory: 512m }
    outputs: [{ parquet: data/published/reserved, views: [result] }]
`,
    );
    const { doc } = await sluiceJson('run', 'conf/pipelines/reserved.yaml');
    expect([doc.state, doc.outputs.map(({ rows }) => rows)]).toEqual(['succeeded', [1]]);
  });
});

test('a foreign table in place of a published one is left alone, and a restored one is replaced', async () => {
  const publisher = postgresPublisher(() => address);
  const publish = async (n: number): Promise<unknown> => {
    const key = `sluice-taken-work-${n}`;
    const place = stagingTable('taken', 'result', key);
    const staged = {
      kind: 'postgres' as const,
      target: 'shop/taken',
      key,
      views: [{ view: 'result', place, rows: n }],
    };
    await publisher.prepare(staged);
    await query(`CREATE TABLE ${place} AS SELECT i FROM generate_series(1, ${n}) i`);
    return publisher.publish(staged, n);
  };
  await publish(1);
  await publish(2);
  await query(`CREATE TABLE taken.restored AS TABLE taken.result; DROP TABLE taken.result;
    ALTER TABLE taken.restored RENAME TO result; COMMENT ON TABLE taken.result IS 'Published by Sluice: replaced as a whole with each run'`);
  await publish(3);
  await query('DROP TABLE taken.result; CREATE TABLE taken.result (precious text)');
  await expect(publish(4)).rejects.toThrow(/table taken\.result is not managed by Sluice and was not replaced/);
  expect(await query('SELECT * FROM taken.result')).toEqual([]);
});
