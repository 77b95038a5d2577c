import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runFolder } from '../../controller/adapters/runner/workspace.ts';
import { resolveRun } from '../../controller/app/resolve-run.ts';
import { withSluice } from '../../controller/app/sluice.ts';
import { runDocument } from '../../controller/app/views/run.ts';
import { openPipeline, withStore } from '../../controller/app/wiring.ts';
import { doublingOf, projectIn, registry } from './outside.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-embedded-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const made = (...connections: string[]): string => projectIn(root, doublingOf('doubling'), ...connections);

test('a project without any server runs a pipeline, and shows the run and its cause', async () => {
  const { project, loaded } = await openPipeline(made(), registry);
  const run = await withSluice(
    project,
    async (sluice) => {
      const begun = await sluice.startRun(loaded, {});
      expect((await sluice.followToCompletion(begun, () => undefined)).ended).toMatchObject({ state: 'succeeded' });
      return begun.run;
    },
    registry,
  );
  expect(existsSync(join(root, '.sluice', 'store.db'))).toBe(true);
  await withStore(project, async (store) => {
    const { summary, state } = await resolveRun(store, run.slice(0, -1));
    expect(summary).toMatchObject({ run, pipeline: 'doubling', state: 'succeeded', branch: 'full', rows: 9 });
    expect(await runDocument(store, summary, state)).toMatchObject({
      run,
      cause: { kind: 'command', by: expect.stringContaining(`@${hostname()}`) },
    });
    expect(await store.lastPlanned('doubling')).toMatchObject({ run, quality: summary.quality });
  });
});

test('the next cleanup removes runs beyond the retention, but not the last published one', async () => {
  const { project, loaded } = await openPipeline(made('retention: { runs: 0h }'), registry);
  const names = await withSluice(
    project,
    async (sluice, store) => {
      const begin = async (): Promise<string> => {
        const begun = await sluice.startRun(loaded, { again: { again: true } });
        await sluice.followToCompletion(begun, () => undefined);
        await store.cleanedUp(begun.run);
        return begun.run;
      };
      const runs = [await begin(), await begin()];
      expect(runs.map((run) => existsSync(runFolder(project.home, run)))).toEqual([true, true]);
      await sluice.cleanUp();
      return runs;
    },
    registry,
  );
  const left = await withStore(project, (store) => store.list({ limit: 9 }));
  expect(left.map(({ run }) => run)).toContain(names[1]);
  expect(left.map(({ run }) => run)).not.toContain(names[0]);
  expect(names.map((run) => existsSync(runFolder(project.home, run)))).toEqual([false, true]);
});
