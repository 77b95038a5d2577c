import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, describe, expect, test } from 'vitest';
import type { ServiceStatus } from '../../controller/stack/stack.ts';
import { furtherOffset } from '../ports.ts';
import { folder as given, main, pause } from './world.ts';

/** The number of killed first starts; SLUICE_KILLS=20 for more. */
const kills = Number(process.env.SLUICE_KILLS ?? 3);
/** The kill happens within this time of a first start. Milliseconds. */
const within = 8000;

const folder = mkdtempSync(join(tmpdir(), 'sluice-killed-'));
const shared = new Set<string>();
afterAll(() => {
  for (const each of [folder, ...shared]) rmSync(each, { recursive: true, force: true });
});

/** A project with its own home and ports, beside the stack of the other tests. */
function fresh(name: string) {
  const cwd = join(folder, name);
  mkdirSync(cwd);
  cpSync(given, cwd, { recursive: true, filter: (path) => !path.endsWith('/data') });
  const home = join(cwd, '.sluice');
  const env = {
    SLUICE_HOME: home,
    SLUICE_PORT_OFFSET: String(furtherOffset(Number(process.env.SLUICE_PORT_OFFSET), 2)),
  };
  const sluice = (...args: string[]) =>
    execa(process.execPath, [main, ...args], { cwd, env, detached: true, reject: false, stdin: 'ignore', all: true });
  return { sluice, home };
}

/** Processes of a stack: their command lines contain its home, or the folder of its PostgreSQL. */
async function processesOf(home: string): Promise<string[]> {
  const postgres = await readFile(join(home, 'data', 'postgres-folder'), 'utf8').catch(() => undefined);
  if (postgres) shared.add(postgres);
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = pids.map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    } catch {
      return '';
    }
  });
  return lines.filter((line) => line.includes(home) || (postgres !== undefined && line.includes(postgres)));
}

/** Expects the next `up` to complete the stack, and `down` to leave no process. */
async function expectWhole({ sluice, home }: ReturnType<typeof fresh>): Promise<void> {
  const up = await sluice('up');
  const status = await sluice('status', '--json');
  const down = await sluice('down');
  expect(up.exitCode, String(up.all)).toBe(0);
  const states = (JSON.parse(status.stdout) as ServiceStatus[]).map(({ state }) => state);
  expect(states).toEqual(states.map(() => 'up'));
  expect(down.exitCode).toBe(0);
  expect(await processesOf(home)).toEqual([]);
}

describe('a first `up` that is killed', () => {
  test.each(Array.from({ length: kills }, (_, i) => Math.round(((i + Math.random()) * within) / kills)))(
    'after %i ms is mended by the next one, and `down` leaves no process',
    async (ms) => {
      const stack = fresh(`after-${ms}`);
      const first = stack.sluice('up');
      await pause(ms);
      try {
        process.kill(-(first.pid as number), 'SIGKILL');
      } catch {
        // It had ended before.
      }
      await first;
      await expectWhole(stack);
    },
  );
});

test('three concurrent `up` start one stack', async () => {
  const stack = fresh('at-once');
  const all = await Promise.all([stack.sluice('up'), stack.sluice('up'), stack.sluice('up')]);
  const living = await processesOf(stack.home);
  await expectWhole(stack);
  expect(
    all.map(({ exitCode }) => exitCode),
    all.map((each) => each.all).join('\n'),
  ).toEqual([0, 0, 0]);
  const started = all.map((each) => String(each.all).match(/livy: started/g)?.length ?? 0);
  expect(started.reduce((sum, n) => sum + n)).toBe(1);
  expect(living.filter((line) => line.includes('LivyServer'))).toHaveLength(1);
});
