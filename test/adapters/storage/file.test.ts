import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { fileStorage } from '../../../controller/adapters/storage/file/file.ts';
import { storageContract } from '../../contract/storage.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-storage-'));
afterAll(() => rmSync(root, { recursive: true }));
let next = 0;
const place = (): string => {
  next += 1;
  return join(root, String(next));
};

storageContract('of files', async () => ({ storage: fileStorage, place: place() }));

test('a file can be named by its URL', async () => {
  const at = place();
  await fileStorage.write(pathToFileURL(`${at}/ä b`).href, 'x');
  expect(String(await fileStorage.read(`${at}/ä b`))).toBe('x');
});

test('a secret file is private from its creation on, and leaves no temporary file', async () => {
  const at = place();
  await fileStorage.write(`${at}/secret`, 'x', { secret: true });
  expect(statSync(`${at}/secret`).mode & 0o777).toBe(0o600);
  await fileStorage.create(`${at}/secret`, 'y');
  await fileStorage.replace(`${at}/secret`, 'z', 'no such version');
  expect(readdirSync(at)).toEqual(['secret']);
});

test('the lock of a dead process does not block others forever', async () => {
  const at = place();
  await fileStorage.write(`${at}/pointer`, '1');
  writeFileSync(`${at}/pointer.lock`, '1');
  const old = new Date(Date.now() - 60_000);
  (await import('node:fs')).utimesSync(`${at}/pointer.lock`, old, old);
  const seen = await fileStorage.stat(`${at}/pointer`);
  expect(await fileStorage.replace(`${at}/pointer`, '2', seen?.version)).toBeDefined();
});
