import { describe, expect, test } from 'vitest';
import type { Storage, Uri } from '../../controller/domain/ports/storage.ts';

/** What every storage promises. `open` gives one, and a place in it that is empty. */
export function storageContract(name: string, open: () => Promise<{ storage: Storage; place: Uri }>): void {
  describe(`the storage ${name}`, () => {
    test('gives back what was written, and tells what there is', async () => {
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

    test('lets one of many create an object, whole', async () => {
      const { storage, place } = await open();
      const bodies = Array.from({ length: 20 }, (_, i) => String(i).repeat(1000));
      const created = await Promise.all(bodies.map((body) => storage.create(`${place}/claim`, body)));
      expect(created.filter((each) => each !== undefined)).toHaveLength(1);
      const won = bodies[created.findIndex((each) => each !== undefined)];
      expect(String(await storage.read(`${place}/claim`))).toBe(won);
      expect(await storage.create(`${place}/claim`, 'late')).toBeUndefined();
    });

    test('replaces an object only while it is the one that was seen', async () => {
      const { storage, place } = await open();
      const at = `${place}/pointer`;
      const versions = await Promise.all(Array.from({ length: 20 }, (_, i) => storage.replace(at, `${i}`, undefined)));
      expect(versions.filter((each) => each !== undefined)).toHaveLength(1);
      const seen = await storage.stat(at);
      expect(await storage.replace(at, 'other', 'another version')).toBeUndefined();
      const next = await Promise.all(Array.from({ length: 20 }, (_, i) => storage.replace(at, `x${i}`, seen?.version)));
      expect(next.filter((each) => each !== undefined)).toHaveLength(1);
      // Counting up, each from what it has seen, loses no step.
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

    test('removes an object, a folder, and what is not there', async () => {
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

    test('refuses what cannot be, and says where', async () => {
      const { storage, place } = await open();
      await storage.write(`${place}/file`, '');
      await expect(storage.write(`${place}/file/below`, '')).rejects.toMatchObject({
        kind: expect.stringMatching(/rejected|unavailable/),
        message: expect.stringContaining('file/below'),
      });
    });
  });
}
