import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { s3Storage } from '../../../controller/adapters/storage/s3/s3.ts';
import { type Fault, faultyProxy } from '../../clouds/faulty.ts';
import { s3Server } from '../../clouds/s3.ts';
import { storageContract } from '../../contract/storage.ts';

const server = await s3Server();
const scratch = mkdtempSync(join(tmpdir(), 'sluice-s3-scratch-'));
for (const [name, value] of Object.entries(server?.env ?? {})) vi.stubEnv(name, value);
let fault: (method: string, url: string) => Fault = () => undefined;
const proxy = server && (await faultyProxy(server.url, ({ method = '', url = '' }) => fault(method, url)));
afterAll(async () => {
  await proxy?.stop();
  await server?.stop();
  vi.unstubAllEnvs();
  rmSync(scratch, { recursive: true });
});
if (server) {
  const client = new S3Client({ endpoint: server.url, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: 'shop' }));
}
const storageAt = (endpoint = '') => s3Storage({ endpoint, region: 'us-east-1', scratch });
let next = 0;
const place = (): string => {
  next += 1;
  return `s3://shop/place-${next}`;
};

describe.skipIf(!server)('S3', () => {
  storageContract('of S3', async () => ({ storage: storageAt(server?.url), place: place() }));

  test.each([
    ['a lost answer', 'lost'],
    ['a cut connection', 'cut'],
    ['a conflict', { status: 409, code: 'ConditionalRequestConflict' }],
    ['an error of the service', { status: 500, code: 'InternalError' }],
    ['a busy service', { status: 503, code: 'SlowDown' }],
  ] as const)('an object is created and replaced once, though the first write meets %s', async (_, kind) => {
    const storage = storageAt(proxy?.url);
    const at = `${place()}/pointer`;
    let left = 0;
    fault = (method) => (method === 'PUT' && left-- > 0 ? kind : undefined);
    left = 1;
    const created = await storage.create(at, 'one');
    expect(created).toEqual(await storage.stat(at));
    left = 1;
    expect(await storage.create(at, 'two')).toBeUndefined();
    left = 1;
    const replaced = await storage.replace(at, 'three', created?.version);
    expect(replaced).toEqual(await storage.stat(at));
    left = 1;
    expect(await storage.replace(at, 'four', created?.version)).toBeUndefined();
    expect(String(await storage.read(at))).toBe('three');
    fault = () => undefined;
  });

  test('of 24 racing writers one wins, in each of three rounds, though answers are lost', async () => {
    const storage = storageAt(proxy?.url);
    const at = `${place()}/pointer`;
    let n = 0;
    fault = (method) => (method === 'PUT' && n++ % 5 === 0 ? 'lost' : undefined);
    let version: string | undefined;
    for (let round = 0; round < 3; round++) {
      const all = await Promise.all(
        Array.from({ length: 24 }, (_, i) => storage.replace(at, `${round} ${i}`, version)),
      );
      const won = all.flatMap((each, i) => (each ? [[each, `${round} ${i}`] as const] : []));
      expect(won).toHaveLength(1);
      expect(String(await storage.read(at))).toBe(won[0]?.[1]);
      version = won[0]?.[0].version;
    }
    fault = () => undefined;
  });

  test('lists more objects than a page has, in order', async () => {
    const storage = storageAt(server?.url);
    const at = place();
    const names = Array.from({ length: 1005 }, (_, i) => `${at}/${String(i).padStart(5, '0')}`);
    for (let i = 0; i < names.length; i += 50)
      await Promise.all(names.slice(i, i + 50).map((name) => storage.write(name, '')));
    expect((await storage.list(at)).map(({ uri }) => uri)).toEqual(names);
    await storage.remove(at);
    expect(await storage.list(at)).toEqual([]);
  });

  test('an error names the call, the object and what to do; no secret is in it', async () => {
    const storage = storageAt(server?.url);
    await expect(storage.write('s3://none/a', 'x')).rejects.toMatchObject({
      ...{ kind: 'rejected', message: expect.stringMatching(/^s3:\/\/none\/a: PutObject failed \(NoSuchBucket/) },
      hint: 'create the bucket, or correct its name',
    });
    for (const uri of ['s3://shop', 's3://shop/', 's3:///a'])
      await expect(storage.write(uri, 'x'), uri).rejects.toMatchObject({ kind: 'rejected' });
    const away = storageAt('http://127.0.0.1:9');
    await expect(away.read('s3://shop/a')).rejects.toMatchObject({ kind: 'unavailable' });
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'another secret');
    const error = await storageAt(server?.url)
      .write('s3://shop/a', 'x')
      .catch((thrown: unknown) => thrown);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', server?.env.AWS_SECRET_ACCESS_KEY ?? '');
    expect(error).toMatchObject({ kind: 'rejected', hint: 'renew the credentials in the environment' });
    expect(String(error)).not.toMatch(/secret/);
  });
});
