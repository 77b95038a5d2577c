import { mkdtempSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Storage, Uri } from '../../controller/domain/ports/storage.ts';

/** The contract of every storage. `open` returns a storage and an empty folder in it. */
export function storageContract(name: string, open: () => Promise<{ storage: Storage; place: Uri }>): void {
  describe(`the storage ${name}`, () => {
    test('returns what was written, and lists its objects', async () => {
      const { storage, place } = await open();
      expect(await storage.list(place)).toEqual([]);
      const at = `${place}/deeper/ä "b"[1]*.txt`;
      expect([await storage.stat(at), await storage.read(at)]).toEqual([undefined, undefined]);
      const first = await storage.write(at, 'one');
      expect(first).toMatchObject({ uri: at, size: 3 });
      await storage.write(`${place}/a`, Buffer.from([0, 255]));
      expect((await storage.list(place)).map(({ size }) => size)).toEqual([2, 3]);
      expect(String(await storage.read(at))).toBe('one');
      const second = await storage.write(at, 'two');
      expect(second.version).not.toBe(first.version);
      expect(await storage.stat(at)).toEqual(second);
    });

    test('finds the objects below a folder by a glob', async () => {
      const { storage, place } = await open();
      for (const name of ['in/b.csv', 'in/a.csv', 'in/a.txt', 'in/deep/c.csv', 'in[1]/d.csv'])
        await storage.write(`${place}/${name}`, name);
      const found = async (glob: string) =>
        (await storage.find(place, glob)).map(({ uri }) => uri.slice(place.length + 1));
      expect(await found('in/*.csv')).toEqual(['in/a.csv', 'in/b.csv']);
      expect(await found('in/**/*.csv')).toEqual(['in/a.csv', 'in/b.csv', 'in/deep/c.csv']);
      expect(await found('none/*')).toEqual([]);
      const [first] = await storage.find(place, 'in/a.*');
      expect(first).toEqual(await storage.stat(`${place}/in/a.csv`));
      expect(Math.abs(Date.now() - (first?.modifiedMs ?? 0))).toBeLessThan(60_000);
    });

    test('returns a local copy of the current content, under the name of the object', async () => {
      const { storage, place } = await open();
      const at = `${place}/f/x y.csv`;
      await expect(storage.local(at)).rejects.toMatchObject({ kind: 'rejected' });
      await storage.write(at, 'one');
      expect(basename(await storage.local(at))).toBe('x y.csv');
      expect(await readFile(await storage.local(at), 'utf8')).toBe('one');
      await storage.write(at, 'two');
      expect(await readFile(await storage.local(at), 'utf8')).toBe('two');
    });

    test('replaces an object by a local file', async () => {
      const { storage, place } = await open();
      const folder = mkdtempSync(join(tmpdir(), 'sluice-upload-'));
      try {
        for (const body of ['one', 'two']) {
          await writeFile(join(folder, 'f'), body);
          const stored = await storage.upload(join(folder, 'f'), `${place}/up/load`);
          expect(stored).toEqual(await storage.stat(`${place}/up/load`));
          expect(String(await storage.read(`${place}/up/load`))).toBe(body);
        }
        expect(await storage.list(place)).toHaveLength(1);
      } finally {
        await rm(folder, { recursive: true });
      }
    });

    test('copies an object: the copies are independent', async () => {
      const { storage, place } = await open();
      await storage.write(`${place}/a`, 'one');
      await storage.copy(`${place}/a`, `${place}/copies/b`);
      await storage.copy(`${place}/a`, `${place}/copies/c`);
      await storage.write(`${place}/copies/b`, 'two');
      await storage.remove(`${place}/a`);
      const texts = ['a', 'copies/b', 'copies/c'].map((name) => storage.read(`${place}/${name}`).then(String));
      expect(await Promise.all(texts)).toEqual(['undefined', 'two', 'one']);
      await expect(storage.copy(`${place}/none`, `${place}/d`)).rejects.toMatchObject({ kind: 'rejected' });
    });

    test('moves the content of a folder; a repeated move changes nothing', async () => {
      const { storage, place } = await open();
      for (const name of ['v/1/part', 'v/2', 'vw']) await storage.write(`${place}/s/${name}`, name);
      await storage.move(`${place}/s/v`, `${place}/t/v`);
      await storage.move(`${place}/s/v`, `${place}/t/v`);
      expect((await storage.list(place)).map(({ uri }) => uri.slice(place.length))).toEqual([
        '/s/vw',
        '/t/v/1/part',
        '/t/v/2',
      ]);
      expect(String(await storage.read(`${place}/t/v/1/part`))).toBe('v/1/part');
    });

    test('lets exactly one of several callers create an object, whole', async () => {
      const { storage, place } = await open();
      const bodies = Array.from({ length: 20 }, (_, i) => String(i).repeat(1000));
      const created = await Promise.all(bodies.map((body) => storage.create(`${place}/claim`, body)));
      expect(created.filter((each) => each !== undefined)).toHaveLength(1);
      const won = bodies[created.findIndex((each) => each !== undefined)];
      expect(String(await storage.read(`${place}/claim`))).toBe(won);
      expect(await storage.create(`${place}/claim`, 'late')).toBeUndefined();
    });

    test('replaces an object only while it has the expected version', async () => {
      const { storage, place } = await open();
      const at = `${place}/pointer`;
      const versions = await Promise.all(Array.from({ length: 20 }, (_, i) => storage.replace(at, `${i}`, undefined)));
      expect(versions.filter((each) => each !== undefined)).toHaveLength(1);
      const seen = await storage.stat(at);
      expect(await storage.replace(at, 'other', 'another version')).toBeUndefined();
      const next = await Promise.all(Array.from({ length: 20 }, (_, i) => storage.replace(at, `x${i}`, seen?.version)));
      expect(next.filter((each) => each !== undefined)).toHaveLength(1);
      // Concurrent compare-and-swap increments lose no step.
      await storage.write(at, '0');
      const countUp = async (): Promise<void> => {
        for (;;) {
          const before = await storage.stat(at);
          const n = Number(String(await storage.read(at)));
          if (await storage.replace(at, String(n + 1), before?.version)) return;
        }
      };
      await Promise.all(Array.from({ length: 25 }, countUp));
      expect(String(await storage.read(at))).toBe('25');
    });

    test('removes an object and a folder, and ignores a missing one', async () => {
      const { storage, place } = await open();
      await storage.write(`${place}/f/a`, '');
      await storage.write(`${place}/f/b/c`, '');
      await storage.write(`${place}/fg`, '');
      await storage.remove(`${place}/f/a`);
      expect((await storage.list(place)).map(({ uri }) => uri.slice(-3))).toEqual(['b/c', '/fg']);
      await storage.remove(`${place}/f`);
      await storage.remove(`${place}/f`);
      expect((await storage.list(place)).map(({ uri }) => uri.slice(-3))).toEqual(['/fg']);
    });

    test('refuses an object below another one, and names it; or has both', async () => {
      const { storage, place } = await open();
      await storage.write(`${place}/file`, 'one');
      const below = await storage.write(`${place}/file/below`, 'two').catch((error: unknown) => error);
      if (below instanceof Error)
        expect(below).toMatchObject({ kind: 'rejected', message: expect.stringContaining('file/below') });
      const texts = ['file', 'file/below'].map((name) => storage.read(`${place}/${name}`).then(String));
      expect(await Promise.all(texts)).toEqual(['one', below instanceof Error ? 'undefined' : 'two']);
    });
  });
}
