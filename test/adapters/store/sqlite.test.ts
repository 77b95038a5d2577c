import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, describe, expect, test } from 'vitest';
import { steps } from '../../../controller/adapters/store/sqlite/schema.ts';
import { sqliteStore } from '../../../controller/adapters/store/sqlite/store.ts';
import { storeContract } from '../../contract/store.ts';
import { expectUpgraded, fillBefore } from '../../contract/upgraded.ts';
import { appendUntilKilled } from './killed.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-store-'));
afterAll(() => rmSync(folder, { recursive: true }));

let skipped = 0;
storeContract('in SQLite', async () => ({
  as: (owner) => sqliteStore(join(folder, 'contract.db'), owner, () => Date.now() + skipped),
  pass: async (ms) => {
    skipped += ms;
  },
}));

describe('the embedded store', () => {
  const owner = { name: 'p' };

  test('is created when it is missing, readable by its owner alone', async () => {
    const file = join(folder, 'new', 'deeper', 'store.db');
    const store = await sqliteStore(file, owner);
    await store.create({ run: 'r', pipeline: 'p', at: Date.now(), events: [] });
    for (const each of [file, `${file}-wal`, `${file}-shm`]) expect(statSync(each).mode & 0o077, each).toBe(0);
    await store.close();
  });

  test('is shared by controllers that write at the same time', async () => {
    const file = join(folder, 'shared.db');
    const stores = await Promise.all([1, 2, 3].map(() => sqliteStore(file, owner)));
    const created = await Promise.all(
      stores.flatMap((store, i) =>
        Array.from({ length: 20 }, (_, n) =>
          store.create({ run: `r${i}-${n}`, pipeline: 'p', at: 1, events: [], idempotencyKey: `${n}` }),
        ),
      ),
    );
    expect(created.filter(({ isNew }) => isNew)).toHaveLength(20);
    expect(await stores[0]?.list({ limit: 99 })).toHaveLength(20);
    await Promise.all(stores.map((store) => store.close()));
  });

  test('of the version before outcomes is migrated, and loses nothing; a program of before refuses the new one', async () => {
    const file = join(folder, 'before.db');
    const db = new DatabaseSync(file);
    for (const sql of steps.slice(0, 3)) db.exec(sql);
    db.exec('PRAGMA user_version = 3; BEGIN');
    const insert = (table: string, row: Readonly<Record<string, string | number | null>>) => {
      const names = Object.keys(row);
      const sql = `INSERT INTO ${table} (${names.join()}) VALUES (${names.map((name) => `$${name}`).join()})`;
      db.prepare(sql).run(row);
    };
    await fillBefore(insert, (ms) => ms);
    db.exec('COMMIT');
    db.close();
    const store = await sqliteStore(file, owner);
    await expectUpgraded(store);
    await store.close();
    const after = new DatabaseSync(file);
    expect(after.prepare('PRAGMA user_version').get()).toEqual({ user_version: steps.length });
    // As a program sees it that has a step less.
    after.exec(`PRAGMA user_version = ${steps.length + 1}`);
    after.close();
    await expect(sqliteStore(file, owner)).rejects.toMatchObject({
      kind: 'rejected',
      hint: expect.stringContaining('newer Sluice'),
    });
  });

  test('refuses another kind of file and a newer version, with a hint', async () => {
    const text = join(folder, 'text.db');
    writeFileSync(text, 'this is a text, and longer than the header of a database is: '.repeat(20));
    await expect(sqliteStore(text, owner)).rejects.toMatchObject({
      kind: 'rejected',
      message: expect.stringContaining(text),
    });
    const strange = join(folder, 'strange.db');
    new DatabaseSync(strange).exec('CREATE TABLE songs (title TEXT)');
    await expect(sqliteStore(strange, owner)).rejects.toThrow(/another program/);
    const newer = join(folder, 'newer.db');
    new DatabaseSync(newer).exec('PRAGMA user_version = 99');
    await expect(sqliteStore(newer, owner)).rejects.toThrow(/schema version 99/);
    const below = join(text, 'store.db');
    await expect(sqliteStore(below, owner)).rejects.toMatchObject({ kind: 'rejected' });
    expect(existsSync(below)).toBe(false);
  });

  test('loses no acknowledged entry when its writers are killed', async () => {
    const file = join(folder, 'killed.db');
    let acknowledged = 0;
    for (let round = 0; round < 20; round++) acknowledged += await appendUntilKilled(file, `r${round}`);
    const check = new DatabaseSync(file);
    expect(check.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    check.close();
    const store = await sqliteStore(file, owner);
    let kept = 0;
    for (const { run } of await store.list({ limit: 99 })) {
      const history = await store.history(run);
      expect(history.map(({ seq }) => seq)).toEqual(history.map((_, i) => i + 1));
      // Each entry has two events: no entry is stored by half.
      expect(history.length % 2).toBe(0);
      kept += history.length / 2;
    }
    expect(acknowledged).toBeGreaterThan(20);
    // One entry per round may be written without an acknowledgement.
    expect(kept).toBeGreaterThanOrEqual(acknowledged);
    expect(kept).toBeLessThanOrEqual(acknowledged + 20);
    await store.close();
  });
});
