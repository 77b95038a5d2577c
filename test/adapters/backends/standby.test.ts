import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { withStandby } from '../../../controller/adapters/backends/livy/standby.ts';
import { type StandbyOptions, StandbyPool } from '../../../controller/adapters/backends/livy/standby-pool.ts';
import { fileStorage as storage } from '../../../controller/adapters/storage/file/file.ts';
import type { Cluster } from '../../../controller/domain/plan.ts';
import type { BatchBackend, BatchJob } from '../../../controller/domain/ports/backend.ts';
import { backendContract, followToEnd } from '../../contract/backend.ts';
import { job } from '../../contract/jobs.ts';
import { pause } from '../../fakes/http.ts';
import { type Driver, drivers } from '../../fakes/livy-server.ts';
import { fakeSpark } from '../../fakes/spark.ts';

/** The jobs that drivers have executed, in order. */
const executed: string[] = [];
/** Runner.java without Spark: executes a job at once, or waits for one as Standby.java does. */
const runner: Driver = async (request, stop, log) => {
  const [asked = ''] = request.args ?? [];
  const run = (spec: string): Promise<void> => {
    executed.push(basename(spec));
    return drivers[basename(spec)]?.(request, stop, log) ?? Promise.reject(new Error(`there is no job ${spec}`));
  };
  if (!asked.startsWith('standby:')) return run(asked);
  for (;;) {
    const text = await storage.read(join(asked.slice('standby:'.length), 'job'));
    if (stop.aborted) return;
    const { spec } = text ? (JSON.parse(String(text)) as { spec?: string }) : {};
    if (spec !== undefined) return run(spec);
    if (text) return;
    await pause(2);
  }
};
const spark = await fakeSpark({ drivers: { 'sluice.runner.Runner': runner } });
const folders: string[] = [];
afterAll(async () => {
  await spark.close();
  for (const folder of folders) await rm(folder, { recursive: true });
});

/** A backend with a folder of its own, and a second controller of it. */
async function world(more: Partial<StandbyOptions> = {}, cluster?: Cluster) {
  const home = await mkdtemp(join(tmpdir(), 'sluice-standby-test-'));
  folders.push(home);
  for (const name of ['Short', 'Long', 'Failing']) await writeFile(join(home, name), '{}');
  const folder = join(home, 'standby');
  const inner = { ...spark.backend(), ...(cluster && { capacity: async () => cluster }) };
  const options = { storage, folder, count: 1, idleSeconds: 60, version: () => '1', ...more };
  const pool = new StandbyPool(inner, options);
  const of = (name: string, own: Partial<BatchJob> = {}): BatchJob => ({ ...job(join(home, name)), ...own });
  const standbys = async (): Promise<string[]> =>
    (await readdir(folder).catch(() => [])).filter((name) => name !== 'keys');
  const another = (): BatchBackend => withStandby(inner, options);
  return {
    ...{ backend: another(), inner, pool, folder, of, standbys, another },
    /** Starts a driver, and waits until it runs. */
    async standReady(like = of('Short')) {
      const before = await standbys();
      await pool.refill(like);
      const [name = ''] = (await standbys()).filter((each) => !before.includes(each));
      await expect.poll(async () => (await inner.observe({ key: name, id: name })).state).toBe('running');
      return name;
    },
  };
}

let keys = 0;
const newKey = (name: string): string => `${name}-${++keys}`;

backendContract('Livy with a driver that stands ready', async () => {
  const { backend, of, standReady } = await world();
  await standReady();
  return { backend, short: of('Short'), long: of('Long'), failing: of('Failing'), newKey };
});

describe('a driver that stands ready', () => {
  test('executes one job; the next one has a driver of its own', async () => {
    const { backend, of, standReady } = await world();
    const name = await standReady();
    const [first, second] = [newKey('first'), newKey('second')];
    executed.length = 0;
    expect(await backend.submit(of('Short'), first)).toEqual({ key: first, id: name });
    expect((await backend.submit(of('Short'), second)).id).not.toBe(name);
    for (const key of [first, second]) {
      const found = await backend.find(key);
      expect((await followToEnd(backend, found ?? { key, id: '' })).state).toBe('succeeded');
    }
    expect(executed).toEqual(['Short', 'Short']);
  });

  test('is found by another controller under the key of its job, which does not submit it again', async () => {
    const { backend, another, of, standReady } = await world();
    await standReady();
    const key = newKey('taken-over');
    const submission = await backend.submit(of('Long'), key);
    const other = another();
    expect(await other.find(key)).toEqual(submission);
    expect(await other.submit(of('Long'), key)).toEqual(submission);
    // After a crash before the submission was recorded.
    await other.cancel({ key, id: '' });
    expect((await backend.observe(submission)).state).not.toBe('running');
  });

  test('gets the job of a controller that died between the record and the file', async () => {
    const { another, folder, of, standReady } = await world();
    const name = await standReady();
    const key = newKey('half');
    await storage.create(join(folder, 'keys', key), name);
    const other = another();
    expect(await other.find(key)).toBeUndefined();
    expect(await other.submit(of('Short'), key)).toEqual({ key, id: name });
  });

  test.each(['left by itself', 'has the job of another key'])(
    'that %s after it was chosen leaves the job to a driver of its own',
    async (what) => {
      const { backend, inner, folder, of, standReady } = await world();
      const name = await standReady();
      const key = newKey('too-late');
      await storage.create(join(folder, 'keys', key), name);
      const other = { key: newKey('other'), spec: of('Short').spec, files: {} };
      await storage.create(join(folder, name, 'job'), what === 'left by itself' ? '{}' : JSON.stringify(other));
      const submission = await backend.submit(of('Short'), key);
      expect(submission.id).not.toBe(name);
      expect(await backend.find(key)).toEqual(submission);
      expect(await inner.find(key)).toEqual(submission);
    },
  );

  const base = job('').settings;
  const misfits: [string, Partial<BatchJob>][] = [
    ['more memory', { settings: { ...base, executorMemory: '9g' } }],
    ['other cores', { settings: { ...base, executorCores: 7 } }],
    ['other Spark properties', { settings: { ...base, conf: { 'spark.sql.ansi.enabled': 'false' } } }],
    ['other JVM properties', { properties: { 'user.timezone': 'Asia/Tokyo' } }],
    ['a secret file', { secretFiles: [{ property: 'org.postgresql.pgpassfile', path: '/secret' }] }],
  ];
  test.each(misfits)('is sent away when a job needs %s', async (_what, more) => {
    const { backend, inner, of, standReady } = await world();
    const name = await standReady();
    const key = newKey('misfit');
    expect((await backend.submit(of('Short', more), key)).id).not.toBe(name);
    await expect.poll(async () => (await inner.observe({ key: name, id: name })).state).not.toBe('running');
  });

  test('is sent away when the program has changed since', async () => {
    let version = '1';
    const { backend, inner, of, standReady } = await world({ version: () => version });
    const name = await standReady();
    version = '2';
    expect((await backend.submit(of('Short'), newKey('upgraded'))).id).not.toBe(name);
    await expect.poll(async () => (await inner.observe({ key: name, id: name })).state).not.toBe('running');
  });

  test('fits a job that needs a quarter more memory than the last one, but no more than a worker has', async () => {
    const needed = Number.parseInt(base.executorMemory, 10);
    const more = { settings: { ...base, executorMemory: `${Math.floor(needed * 1.25)}m` } };
    const { backend, of, standReady } = await world({}, { cores: 2, largestMb: 4096 });
    const name = await standReady();
    expect((await backend.submit(of('Short', more), newKey('grown'))).id).toBe(name);
    const small = await world({}, { cores: 2, largestMb: Math.ceil(needed * 1.3) });
    await small.standReady();
    expect((await small.backend.submit(small.of('Short', more), newKey('capped'))).id).not.toContain('standby');
  });

  test('is preferred to one that still starts, which is ended', async () => {
    const { backend, inner, folder, of, standReady, standbys } = await world({ count: 3 });
    await standReady();
    const names = await standbys();
    const ready = names.at(-1) ?? '';
    await storage.write(join(folder, ready, 'ready'), '');
    expect((await backend.submit(of('Short'), newKey('ready'))).id).toBe(ready);
    for (const name of names)
      await expect.poll(async () => (await inner.observe({ key: name, id: name })).state).not.toBe('running');
  });

  test('is started by one of two attempts that end together', async () => {
    const { pool, of, standbys } = await world();
    await Promise.all([pool.refill(of('Short')), pool.refill(of('Short'))]);
    expect(await standbys()).toHaveLength(1);
  });

  test('is not started after an attempt that failed, nor while another one runs', async () => {
    const { backend, of, standbys } = await world();
    await followToEnd(backend, await backend.submit(of('Failing'), newKey('failed')));
    const long = await backend.submit(of('Long'), newKey('beside'));
    await followToEnd(backend, await backend.submit(of('Short'), newKey('first-of-two')));
    await pause(800);
    expect(await standbys()).toEqual([]);
    await backend.cancel(long);
  });

  test('that was killed is not used', async () => {
    const { backend, inner, of, standReady } = await world();
    const name = await standReady();
    await inner.cancel({ key: name, id: name });
    expect((await backend.submit(of('Short'), newKey('killed'))).id).not.toBe(name);
  });

  test('is started after an attempt, once, with the same settings', async () => {
    const { backend, inner, of, standbys } = await world();
    const submission = await backend.submit(of('Short'), newKey('before'));
    await followToEnd(backend, submission);
    await backend.observe(submission);
    await expect.poll(standbys, { timeout: 5000 }).toHaveLength(1);
    const [name = ''] = await standbys();
    await expect.poll(async () => (await inner.observe({ key: name, id: name })).state).toBe('running');
    expect((await backend.submit(of('Short'), newKey('after'))).id).toBe(name);
  });

  test('does not count as a use of the cluster; passwords are named, and removed where the driver could not', async () => {
    const { backend, folder, of, standReady, standbys } = await world({}, { cores: 3, workers: [3], largestMb: 4096 });
    const secretFiles = [{ property: 'org.postgresql.pgpassfile', path: '/run/7/pgpass' }];
    const name = await standReady(of('Short', { secretFiles }));
    const { executors, executorCores } = base;
    // While it starts, it may have none.
    expect((await backend.capacity()).cores).toBe(3);
    await storage.write(join(folder, name, 'ready'), '');
    await expect.poll(async () => (await backend.capacity()).cores).toBe(3 + executors * executorCores);
    const key = newKey('secret');
    const { id } = await backend.submit(of('Short', { secretFiles }), key);
    expect(await standbys()).toEqual([id]);
    expect(JSON.parse(String(await storage.read(join(folder, id, 'job'))))).toEqual({
      key,
      spec: of('Short').spec,
      files: { 'org.postgresql.pgpassfile': '/run/7/pgpass' },
    });
    await storage.write(join(folder, id, 'secret/org.postgresql.pgpassfile'), 'password');
    await followToEnd(backend, { key, id });
    expect(await storage.stat(join(folder, id, 'secret/org.postgresql.pgpassfile'))).toBeUndefined();
  });

  test('leaves nothing once its attempt is forgotten', async () => {
    const { backend, folder, of, standReady } = await world();
    await standReady();
    const key = newKey('forgotten');
    await followToEnd(backend, await backend.submit(of('Failing'), key));
    await backend.forget?.({ key, id: '' });
    expect(await storage.list(folder)).toEqual([]);
  });
});
