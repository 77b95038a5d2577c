import { expect, test } from 'vitest';
import type { RunEvent } from '../../controller/domain/events.ts';
import { removeExpiredRuns } from '../../controller/engine/janitor.ts';
import { memoryStore } from '../fakes/store.ts';
import { profile } from '../planning/profiles.ts';

const day = 86_400_000;

test('old runs are removed with their files, except the last published run and the files that it reads', async () => {
  let now = 0;
  const store = memoryStore(() => now);
  const end = async (run: string, state: string, paths: readonly string[] = []): Promise<void> => {
    const pin = { kind: 'kafka', topic: 't', log: { paths } };
    const measured = { type: 'sources-measured', findings: {}, profiles: { t: { ...profile(), pin } } } as unknown;
    const { lease } = await store.create({ run, pipeline: 'p', at: now, events: [measured as RunEvent] });
    await store.append(lease, 1, now, { events: [], summary: { state, ended: now } });
    await store.cleanedUp(run);
  };
  await end('first', 'succeeded', ['first/inputs/a']);
  await end('second', 'failed');
  await end('third', 'succeeded', ['first/inputs/a', 'third/inputs/b']);
  now = 80 * day;
  await end('young', 'failed');
  now = 100 * day;

  const removed: [string, readonly string[]][] = [];
  const workspaceOf = (run: string) =>
    ({
      remove: async (except: readonly string[]) => {
        // After a crash in between, the next controller still finds the run.
        expect(await store.find(run)).toBeDefined();
        removed.push([run, except]);
      },
    }) as never;
  expect(await removeExpiredRuns({ store, workspaceOf }, 90 * day)).toEqual(['first', 'second']);
  const kept = ['first/inputs/a', 'third/inputs/b'];
  expect(removed).toEqual([
    ['first', kept],
    ['second', kept],
  ]);
  expect((await store.list({ limit: 9 })).map(({ run }) => run)).toEqual(['young', 'third']);
  expect(await removeExpiredRuns({ store, workspaceOf }, 90 * day)).toEqual([]);
});
