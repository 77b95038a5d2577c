import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { embeddedBackend } from '../../../controller/adapters/backends/embedded/embedded.ts';
import { fileStorage as storage } from '../../../controller/adapters/storage/file/file.ts';
import { embeddedProcess } from '../../../controller/app/engines.ts';
import type { BatchBackend, BatchJob } from '../../../controller/domain/ports/backend.ts';
import { backendContract, followToEnd } from '../../contract/backend.ts';
import { job } from '../../contract/jobs.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-backend-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const backend = (more: Partial<typeof embeddedProcess> = {}): BatchBackend =>
  embeddedBackend({ storage, folder: join(root, 'embedded'), connections: {}, ...embeddedProcess, ...more });

let jobs = 0;
/** A job without inputs and outputs. */
function jobOf(sql: string, outputs: readonly object[] = []): BatchJob {
  const folder = join(root, String(++jobs));
  const places = {
    result: join(folder, 'result.json'),
    claim: join(folder, 'claimed'),
    revoked: join(folder, 'revoked'),
  };
  const spec = join(root, `job-${jobs}.json`);
  writeFileSync(spec, JSON.stringify({ key: `job-${jobs}`, ...places, sql, inputs: [], outputs }));
  return job(spec);
}
const out = (): object[] => [{ view: 'v', kind: 'parquet', place: join(root, `out-${jobs}`) }];
const digits = 'SELECT * FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS t (n)';
const endless = `CREATE TEMP VIEW d AS ${digits};
CREATE TEMP VIEW v AS SELECT md5(CAST(${'abcdefghi'
  .split('')
  .map((name) => `${name}.n`)
  .join(' + ')} AS string)) AS x, count(*) AS n
FROM ${'abcdefghi'
  .split('')
  .map((name) => `d ${name}`)
  .join(' CROSS JOIN ')} GROUP BY 1`;

backendContract('embedded', async () => ({
  backend: backend(),
  short: jobOf('CREATE TEMP VIEW v AS SELECT 1 AS x'),
  long: jobOf(endless, out()),
  failing: jobOf("CREATE TEMP VIEW v AS SELECT CAST('x' AS int) AS x", out()),
  newKey: (name) => `${name}-${jobs}`,
}));

test('another controller finds a running job by its key, and cancels it', async () => {
  const first = backend();
  const submission = await first.submit(jobOf(endless, out()), 'found');
  await expect.poll(async () => (await backend().find('found'))?.id, { timeout: 20_000 }).toBe(submission.id);
  const second = backend();
  expect((await second.observe(submission)).state).toBe('running');
  await second.cancel({ key: 'found', id: '' });
  expect(await first.observe(submission)).toMatchObject({ state: 'failed' });
});

test('a job that was barred before its process began computes nothing', async () => {
  const barred = jobOf('CREATE TEMP VIEW v AS SELECT 1 AS x', out());
  const { claim, result } = JSON.parse(readFileSync(barred.spec, 'utf8')) as { claim: string; result: string };
  await storage.create(claim, 'controller');
  const end = await followToEnd(backend(), await backend().submit(barred, 'barred'));
  expect(end).toMatchObject({ state: 'failed', detail: expect.stringContaining('was barred') });
  expect(await storage.stat(result)).toBeUndefined();
});

test('a forgotten job is unknown', async () => {
  const submission = await backend().submit(jobOf('CREATE TEMP VIEW v AS SELECT 1 AS x'), 'forgotten');
  await followToEnd(backend(), submission);
  await backend().forget?.(submission);
  expect(await backend().find('forgotten')).toBeUndefined();
});

test('a process of another machine is asked to end, and counts as running while its record changes', async () => {
  const elsewhere = backend({ pidOf: () => undefined });
  const submission = await backend().submit(jobOf(endless, out()), 'elsewhere');
  await expect.poll(() => elsewhere.observe(submission), { timeout: 20_000 }).toMatchObject({ state: 'running' });
  const cancelled = elsewhere.cancel(submission);
  await expect.poll(async () => (await backend().observe(submission)).state, { timeout: 20_000 }).toBe('failed');
  // Whether it has ended, only its silence can say; that takes longer than this test waits.
  await expect(Promise.race([cancelled, Promise.resolve('waiting')])).resolves.toBe('waiting');
});
