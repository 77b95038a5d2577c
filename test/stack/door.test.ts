import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { splitLogin } from '../../controller/config/login.ts';
import type { Project } from '../../controller/config/project.ts';
import { closeHome } from '../../controller/stack/home.ts';
import { refusal } from '../../controller/stack/mailbox-door.ts';

const login = { user: 'sluice', password: 's3cret' };
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
const good = { host: '127.0.0.1:8025', authorization: basic('sluice:s3cret') };

describe('the mailbox', () => {
  test.each([
    [undefined, {}],
    [undefined, { host: 'localhost' }],
    [undefined, { host: '[::1]:8025' }],
    [undefined, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }],
    [401, { authorization: undefined }],
    [401, { authorization: basic('sluice:other!') }],
    [401, { authorization: 'Bearer s3cret' }],
    [421, { host: undefined }],
    [421, { host: 'evil.example' }],
    [421, { host: '127.0.0.1.evil.example' }],
    [421, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
    [421, { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' }],
    [421, { origin: 'http://evil.example' }],
    [421, { origin: 'null' }],
  ])('returns %s to a request with %j', (status, headers) => {
    expect(refusal({ method: 'GET', headers: { ...good, ...headers } }, login)).toBe(status);
  });
});

describe('a login in a URL', () => {
  test('is moved to a header, and the rest may be shown', () => {
    const { url, headers } = splitLogin('http://me:p%3A%2Fw@spark.example:8080/x');
    expect(url).toBe('http://spark.example:8080/x');
    expect(headers).toEqual({ authorization: basic('me:p:/w') });
    expect(splitLogin('http://spark.example:8080/a@b')).toEqual({ url: 'http://spark.example:8080/a@b', headers: {} });
  });
});

describe('the home', () => {
  const project = (home: string, livy?: string): Project =>
    ({ home, connections: { spark: { livy } }, stack: { elsewhere: {} } }) as never;

  test('is closed to other users, unless its jobs run on another cluster', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-home-'));
    try {
      const mode = async (home: string): Promise<number> => (await stat(join(folder, home))).mode & 0o777;
      await closeHome(project(join(folder, 'new')));
      expect(await mode('new')).toBe(0o700);
      await writeFile(join(folder, 'file'), '');
      await expect(closeHome(project(join(folder, 'file', 'home')))).rejects.toMatchObject({ kind: 'rejected' });
      await mkdir(join(folder, 'old'));
      await chmod(join(folder, 'old'), 0o755);
      await closeHome(project(join(folder, 'old'), 'http://livy.example:8998'));
      expect(await mode('old')).toBe(0o755);
      await closeHome(project(join(folder, 'old')));
      expect(await mode('old')).toBe(0o700);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
