import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitUntil } from '../../controller/stack/process.ts';

/** A process that takes the lock of a home, records when it takes and releases it, and holds it for a while. */
const script = `
  import { appendFileSync } from 'node:fs';
  import { withLock } from '${join(import.meta.dirname, '../../controller/stack/lock.ts')}';
  const [home, log, ms] = process.argv.slice(1);
  const note = (what) => appendFileSync(log, what + ' ' + process.pid + '\\n');
  await withLock(home, (line) => note('told ' + line), async () => {
    note('has');
    await new Promise((resolve) => setTimeout(resolve, Number(ms)));
    note('left');
  });`;

let home: string;
let log: string;
const taker = (ms: number) =>
  execa(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, home, log, String(ms)], {
    reject: false,
    all: true,
  });
const noted = async (): Promise<string[]> => (await readFile(log, 'utf8')).trim().split('\n');

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'sluice-lock-'));
  log = join(home, 'log');
});
afterAll(() => rm(home, { recursive: true }));

test('one process at a time holds the lock of a home, and the others name it while they wait', async () => {
  await writeFile(log, '');
  const all = await Promise.all([taker(400), taker(400), taker(400)]);
  expect(all.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
  const lines = await noted();
  const held = lines.filter((line) => !line.startsWith('told'));
  expect(held).toHaveLength(6);
  for (let i = 0; i < 6; i += 2) expect(held[i + 1]).toBe(held[i]?.replace('has', 'left'));
  expect(lines.join('\n')).toMatch(/waiting for process \d+, which is changing the stack of/);
});

test('the lock of a process that was killed is taken over', async () => {
  await writeFile(log, '');
  const first = taker(600_000);
  expect(await waitUntil(async () => (await noted()).some((line) => line.startsWith('has')), 30_000)).toBe(true);
  first.kill('SIGKILL');
  await first;
  expect((await taker(0)).exitCode).toBe(0);
  expect(await noted()).toHaveLength(3);
});
