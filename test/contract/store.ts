import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Message } from '../../controller/notify/port.ts';
import type { RunStore } from '../../controller/store/port.ts';
import { profile } from '../decide/profiles.ts';
import { good, load } from '../pipeline/files.ts';

/** What every run store promises. Run names are the suite's own, so that it can share a database. */
export function storeContract(name: string, open: () => Promise<RunStore>): void {
  describe(`the run store ${name}`, () => {
    let store: RunStore;
    let next = 0;
    const prefix = `contract-${Date.now().toString(36)}`;
    const pipeline = `${prefix}-pipeline`;
    const fresh = async (): Promise<string> => {
      next += 1;
      const run = `${prefix}-${next}`;
      await store.create(run, pipeline, 1000 + next, []);
      return run;
    };
    const message = (run: string, to: string): Message => ({
      id: `<${run}-${to}>`,
      run,
      event: 'failed',
      to,
      from: 'me',
      subject: 's',
      text: 't',
      html: 'h',
    });

    beforeAll(async () => {
      store = await open();
    });
    afterAll(() => store.close());

    test('numbers runs upwards', async () => {
      const first = await store.create(`${prefix}-a`, pipeline, 1, []);
      const second = await store.create(`${prefix}-b`, pipeline, 2, []);
      expect(second).toBeGreaterThan(first);
    });

    test('keeps events in order, numbered from 1, and gives those after a number', async () => {
      const run = await fresh();
      await store.append(run, undefined, 5, {
        events: [
          { type: 'cancel-requested', by: 'a' },
          { type: 'cancel-requested', by: 'b' },
        ],
      });
      await store.append(run, undefined, 6, { events: [{ type: 'cancel-requested', by: 'c' }] });
      const history = await store.history(run);
      expect(history.map(({ seq, at, event }) => [seq, at, event.type === 'cancel-requested' && event.by])).toEqual([
        [1, 5, 'a'],
        [2, 5, 'b'],
        [3, 6, 'c'],
      ]);
      expect((await store.history(run, 2)).map((record) => record.seq)).toEqual([3]);
    });

    test('keeps a pipeline as it was, the order of its columns too', async () => {
      const written = await load(good);
      const run = `${prefix}-written`;
      await store.create(run, pipeline, 1, [{ type: 'run-started', pipeline: written, file: 'f' }]);
      const [record] = await store.history(run);
      expect(JSON.stringify(record?.event)).toBe(JSON.stringify({ type: 'run-started', pipeline: written, file: 'f' }));
    });

    test('gives a run to one driver at a time, and to another when the lease has ended', async () => {
      const run = await fresh();
      const mine = await store.lease(run, 'me', 100, 200);
      expect(mine).toBeDefined();
      expect(await store.lease(run, 'you', 150, 250)).toBeUndefined();
      expect(await store.lease(run, 'me', 150, 250)).toEqual(mine);
      const yours = await store.lease(run, 'you', 250, 350);
      expect(yours?.token).toBeGreaterThan(mine?.token ?? 0);
    });

    test('takes nothing from a driver whose lease another has', async () => {
      const run = await fresh();
      const mine = await store.lease(run, 'me', 100, 200);
      await store.lease(run, 'you', 300, 400);
      await expect(
        store.append(run, mine, 1, { events: [{ type: 'cancel-requested', by: 'late' }] }),
      ).rejects.toMatchObject({ kind: 'rejected' });
      expect(await store.history(run)).toEqual([]);
    });

    test('keeps a lease that is renewed, and does not give back one that another has had', async () => {
      const run = await fresh();
      const mine = await store.lease(run, 'me', 100, 200);
      if (!mine) throw new Error('no lease');
      expect(await store.renew(mine, 500)).toBe(true);
      expect(await store.lease(run, 'you', 300, 400)).toBeUndefined();
      await store.lease(run, 'you', 600, 700);
      expect(await store.renew(mine, 900)).toBe(false);
    });

    test('gives a released run to the next at once', async () => {
      const run = await fresh();
      const mine = await store.lease(run, 'me', 100, 900);
      if (mine) await store.release(mine);
      expect(await store.lease(run, 'you', 110, 900)).toBeDefined();
    });

    test('finds a run by its name or an unambiguous beginning', async () => {
      const run = await fresh();
      expect((await store.find(run))?.run).toBe(run);
      expect(await store.find(prefix)).toBeUndefined();
      expect(await store.find('no-such-run')).toBeUndefined();
    });

    test('lists the newest first, with the summary as last told', async () => {
      const run = await fresh();
      await store.append(run, undefined, 1, {
        events: [],
        summary: { state: 'failed', branch: 'full', reason: 'why', ended: 77 },
      });
      const [newest] = await store.list({ pipeline, limit: 1 });
      expect(newest).toMatchObject({ run, pipeline, state: 'failed', branch: 'full', reason: 'why', ended: 77 });
    });

    test('remembers what the last run that published has read, not what a failed one did', async () => {
      const profiles = {
        a: { ...profile(), pin: { kind: 'csv' as const, files: [{ path: 'x', size: 1, mtimeMs: 2 }] } },
      };
      const published = await fresh();
      await store.append(published, undefined, 1, {
        events: [{ type: 'sources-measured', profiles }],
        summary: { state: 'succeeded' },
      });
      const failed = await fresh();
      await store.append(failed, undefined, 1, {
        events: [{ type: 'sources-measured', profiles: { a: profile() } }],
        summary: { state: 'failed' },
      });
      expect(await store.lastPins(pipeline)).toEqual({ a: profiles.a.pin });
      expect(await store.lastPins('never-run')).toEqual({});
    });

    test('keeps a message once however often it is put in, and has it due until it is sent', async () => {
      const run = await fresh();
      const mail = message(run, 'a@example.org');
      for (let i = 0; i < 2; i++) await store.append(run, undefined, 10, { events: [], messages: [mail] });
      const waiting = async (now: number) => (await store.due(now)).filter((each) => each.message.run === run);
      expect(await waiting(9)).toEqual([]);
      expect(await waiting(10)).toEqual([{ message: mail, tries: 0 }]);
      await store.noteDelivery(mail.id, 'waiting', 50, 'away');
      expect(await waiting(49)).toEqual([]);
      expect(await waiting(50)).toEqual([{ message: mail, tries: 1 }]);
      await store.noteDelivery(mail.id, 'sent', 50, 'taken');
      expect(await waiting(1000)).toEqual([]);
      expect(await store.messages(run)).toEqual([
        { event: 'failed', to: 'a@example.org', state: 'sent', note: 'taken' },
      ]);
    });
  });
}
