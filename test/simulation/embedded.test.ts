import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { sqliteStore } from '../../controller/adapters/store/sqlite/store.ts';
import type { RunStore } from '../../controller/domain/ports/store.ts';
import { simulate } from './schedule.ts';
import { judge } from './verdict.ts';

const schedules = 50;

// In memory if available: here a commit represents one that reaches the disk.
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'sluice-simulation-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The clocks of a simulated world have fractions of milliseconds. */
const inWholeMs = (store: RunStore): RunStore => ({
  ...store,
  append: (lease, after, at, entry) => store.append(lease, after, Math.round(at), inWhole(entry)),
  request: (run, at, event) => store.request(run, Math.round(at), event),
});
const inWhole = (entry: Parameters<RunStore['append']>[3]): typeof entry =>
  entry.summary?.ended === undefined
    ? entry
    : { ...entry, summary: { ...entry.summary, ended: Math.round(entry.summary.ended) } };

test(`${schedules} schedules of crashes break no promise with the embedded store`, { timeout: 300_000 }, async () => {
  for (let seed = 1; seed <= schedules; seed++) {
    let clock = (): number => 0;
    const store = await sqliteStore(join(folder, `${seed}.db`), { name: 'p' }, () => clock());
    const { world, settled } = await simulate(seed, {}, (its) => {
      clock = its;
      return inWholeMs(store);
    });
    expect(await judge(world, settled), `seed ${seed}`).toEqual([]);
    await store.close();
  }
});
