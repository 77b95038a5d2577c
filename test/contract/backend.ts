import { describe, expect, test } from 'vitest';
import type { Submission } from '../../controller/domain/events.ts';
import { type BatchBackend, type BatchJob, hasEnded, type Observation } from '../../controller/domain/ports/backend.ts';

/** Jobs for the suite: one that succeeds soon, one that runs until it is cancelled, one that fails. */
export interface Jobs {
  readonly backend: BatchBackend;
  readonly short: BatchJob;
  readonly long: BatchJob;
  readonly failing: BatchJob;
  newKey(name: string): string;
}

export async function followToEnd(backend: BatchBackend, submission: Submission): Promise<Observation> {
  for (;;) {
    const seen = await backend.observe(submission);
    if (hasEnded(seen.state)) return seen;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** The contract of every backend. */
export function backendContract(name: string, open: () => Promise<Jobs>): void {
  describe(`the backend ${name}`, () => {
    test('runs a job once for any number of submissions of its key, and finds it by its key', async () => {
      const { backend, short, newKey } = await open();
      const key = newKey('short');
      expect(await backend.find(key)).toBeUndefined();
      const [first, second] = await Promise.all([backend.submit(short, key), backend.submit(short, key)]);
      expect(second).toEqual(first);
      expect(await backend.find(key)).toEqual(first);
      const end = await followToEnd(backend, first);
      expect(end.state).toBe('succeeded');
      expect(end.applicationId).toBeTruthy();
      expect(await backend.submit(short, key)).toEqual(first);
    });

    test('reports a failure, and provides its log', async () => {
      const { backend, failing, newKey } = await open();
      const submission = await backend.submit(failing, newKey('failing'));
      expect((await followToEnd(backend, submission)).state).toBe('failed');
      expect((await backend.logs(submission)).length).toBeGreaterThan(0);
    });

    test('cancels, and resolves only when the application has ended; a second cancellation does nothing', async () => {
      const { backend, long, newKey } = await open();
      const submission = await backend.submit(long, newKey('long'));
      while ((await backend.observe(submission)).state === 'pending')
        await new Promise((resolve) => setTimeout(resolve, 100));
      await backend.cancel(submission);
      const seen = await backend.observe(submission);
      // A batch that ended before its application started may be forgotten.
      expect(hasEnded(seen.state) || seen.unknown === true, JSON.stringify(seen)).toBe(true);
      await backend.cancel(submission);
    });

    test('reports an unknown key as unknown, not as failed', async () => {
      const { backend, newKey } = await open();
      const key = newKey('nobody');
      expect(await backend.find(key)).toBeUndefined();
      expect(await backend.observe({ key, id: '99999' })).toMatchObject({ state: 'pending', unknown: true });
    });
  });
}
