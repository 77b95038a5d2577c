import { EventEmitter } from 'node:events';
import { expect, test, vi } from 'vitest';
import { runnerWorkspace } from '../../controller/adapters/runner/workspace.ts';
import { fileStorage } from '../../controller/adapters/storage/file/file.ts';
import { builtIn } from '../../controller/app/registry.ts';
import type { Project } from '../../controller/config/project.ts';
import type { AttemptState } from '../../controller/domain/step-state.ts';
import { Controller } from '../../controller/engine/controller.ts';
import { type ClaimedRun, Worker } from '../../controller/engine/worker.ts';
import { memoryStore } from '../fakes/store.ts';
import { good, load } from '../pipeline/files.ts';

const watchers: EventEmitter[] = [];
vi.mock('node:fs', async (original) => ({
  ...(await original<typeof import('node:fs')>()),
  watch: () => {
    const watcher = Object.assign(new EventEmitter(), { close: () => undefined });
    watchers.push(watcher);
    return watcher;
  },
}));

test('a folder that can no longer be watched does not end the run', () => {
  const workspace = runnerWorkspace({
    project: { home: '/nowhere', connections: {} } as Project,
    run: 'r1',
    storage: fileStorage,
    registry: builtIn,
  });
  const stop = workspace.watchResult('work', { number: 1 } as AttemptState, () => undefined);
  expect(watchers).toHaveLength(1);
  expect(() => watchers[0]?.emit('error', new Error('ESTALE'))).not.toThrow();
  stop();
});

test('a worker keeps polling after an unexpected error, and reports it', async () => {
  const said: string[] = [];
  let looks = 0;
  const worker = new Worker(
    {
      claimOrphanedRuns: async (): Promise<ClaimedRun[]> => {
        looks += 1;
        throw new TypeError(`no ${looks}`);
      },
      execute: async () => undefined,
      sleep: () => new Promise((resolve) => setTimeout(resolve, 5)),
      now: () => 0,
    },
    (_run, update) => {
      if (update.kind === 'note') said.push(update.text);
      throw new Error('a watcher that fails, too');
    },
  );
  worker.start(1);
  await vi.waitUntil(() => looks >= 3);
  await worker.stop();
  expect(said.slice(0, 2)).toEqual(['unexpected: no 1', 'unexpected: no 2']);
});

test('a claimed run that cannot be executed is released', async () => {
  const store = memoryStore();
  const of = (name: string) =>
    new Controller({
      store,
      now: () => performance.now(),
      sleep: async () => undefined,
      newName: () => name,
      isProcessGone: async () => false,
    });
  const [first, second] = [of('first'), of('second')];
  await store.heartbeat('first', 60_000);
  await store.heartbeat('second', 60_000);
  await store.create({
    run: 'r1',
    pipeline: 'shop',
    at: 1,
    events: [{ type: 'run-started', run: 'r1', pipeline: await load(good), file: 'f' }],
  });
  const lease = await first.claim('r1');
  expect(await second.claim('r1')).toBeUndefined();
  if (lease) await first.releaseRun(lease);
  expect(await second.claim('r1')).toBeDefined();
});
