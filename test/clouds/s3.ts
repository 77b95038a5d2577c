import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, rmdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { freePort } from '../ports.ts';

/** Versity's gateway: the protocol of S3 over a folder, with signatures and conditional writes. */
const program = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0';
/** Where it is built, once for all tests of a machine. */
const cache = join(tmpdir(), 'sluice-s3');

/** A build takes some minutes on a slow machine; an older lock was left by a killed one. Milliseconds. */
const longestBuildMs = 900_000;

/** The program; undefined on a machine that cannot build it. One of the tests that need it builds it. */
async function built(): Promise<string | undefined> {
  const [path, lock] = [join(cache, 'versitygw'), join(cache, 'lock')];
  await mkdir(cache, { recursive: true });
  for (; !existsSync(path); await sleep(500)) {
    try {
      await mkdir(lock);
    } catch {
      const made = await stat(lock).catch(() => undefined);
      if (made && Date.now() - made.mtimeMs > longestBuildMs) await rmdir(lock).catch(() => undefined);
      continue;
    }
    const env = { GOBIN: cache };
    const { failed } = await execa('go', ['install', program], { env, reject: false, stdin: 'ignore' });
    await rmdir(lock);
    if (failed) return undefined;
  }
  return path;
}

export interface S3Server {
  readonly url: string;
  readonly env: Readonly<Record<'AWS_ACCESS_KEY_ID' | 'AWS_SECRET_ACCESS_KEY' | 'AWS_REGION', string>>;
  stop(): Promise<void>;
}

/** Starts a service of S3 with an empty folder; undefined, with a printed reason, on a machine that has none. */
export async function s3Server(): Promise<S3Server | undefined> {
  const path = await built();
  if (path === undefined) {
    process.stdout.write('skipped: there is no service of S3, as `go install` cannot build one\n');
    return undefined;
  }
  const folder = await mkdtemp(join(tmpdir(), 'sluice-s3-data-'));
  const env = { AWS_ACCESS_KEY_ID: 'tester', AWS_SECRET_ACCESS_KEY: 'a secret of the test', AWS_REGION: 'us-east-1' };
  const port = await freePort();
  const login = { ROOT_ACCESS_KEY: env.AWS_ACCESS_KEY_ID, ROOT_SECRET_KEY: env.AWS_SECRET_ACCESS_KEY };
  const server = execa(path, ['--port', `127.0.0.1:${port}`, 'posix', folder], {
    ...{ env: login, reject: false, stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' },
  });
  const url = `http://127.0.0.1:${port}`;
  for (let left = 100; !(await fetch(url).catch(() => undefined)); left--) {
    if (left === 0) throw new Error('the service of S3 does not answer');
    await sleep(100);
  }
  return {
    ...{ url, env },
    async stop() {
      server.kill('SIGTERM');
      await server;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
