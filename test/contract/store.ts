import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunEvent } from '../../controller/domain/events.ts';
import type { Entry, Lease, RunStore, StoreOwner } from '../../controller/domain/ports/store.ts';
import { good, load } from '../pipeline/files.ts';
import { profile } from '../planning/profiles.ts';
import { alertsContract } from './alerts.ts';
import { outboxContract } from './outbox.ts';
import { outcomesContract } from './outcomes.ts';
import { proofsContract } from './proofs.ts';
import { runListsContract } from './run-lists.ts';
import { runsContract } from './runs.ts';
import { serversContract } from './servers.ts';
import { tokensContract } from './tokens.ts';
import { triggersContract } from './triggers.ts';
import { vitalsContract } from './vitals.ts';

/** A store as its projects see it; `pass` advances its clock by milliseconds. */
export interface Opened {
  readonly as: (owner: StoreOwner) => Promise<RunStore>;
  readonly pass: (ms: number) => Promise<void>;
}

const asked = (by: string): RunEvent => ({ type: 'cancel-requested', by });

/** The contract of every run store. Run names are unique to the suite, so that it can share a database. */
export function storeContract(name: string, open: () => Promise<Opened>): void {
  describe(`the run store ${name}`, () => {
    let store: RunStore;
    let as: Opened['as'];
    let pass: Opened['pass'];
    let next = 0;
    const prefix = `contract-${Date.now().toString(36)}`;
    const pipeline = `${prefix}-pipeline`;
    const fresh = async (owner?: string): Promise<Lease> => {
      next += 1;
      return (
        await store.create({
          run: `${prefix}-${next}`,
          pipeline,
          at: 1000 + next,
          events: [],
          ...(owner === undefined ? {} : { owner }),
        })
      ).lease;
    };
    /** A controller whose lease lasts as long as the suite. */
    const controller = async (): Promise<string> => {
      next += 1;
      await store.heartbeat(`${prefix}-c${next}`, 600_000);
      return `${prefix}-c${next}`;
    };
    /** Appends to the current end of a history. */
    const add = async (lease: Lease, at: number, entry: Entry) =>
      store.append(lease, (await store.history(lease.run)).length, at, entry);
    beforeAll(async () => {
      const opened = await open();
      ({ as, pass } = opened);
      store = await as({ name: `${prefix}-project` });
    });
    afterAll(() => store.close());

    test('numbers runs upwards', async () => {
      const first = await store.create({ run: `${prefix}-a`, pipeline, at: 1, events: [] });
      const second = await store.create({ run: `${prefix}-b`, pipeline, at: 2, events: [] });
      expect(second.number).toBeGreaterThan(first.number);
    });

    test('stores events in order, numbered from 1, and returns those after a number', async () => {
      const lease = await fresh();
      expect(await store.append(lease, 0, 9005, { events: [asked('a'), asked('b')] })).toEqual({ seq: 2, at: 9005 });
      expect(await store.request(lease.run, 9006, asked('c'))).toBe(true);
      const history = await store.history(lease.run);
      expect(history.map(({ seq, at, event }) => [seq, at, event.type === 'cancel-requested' && event.by])).toEqual([
        [1, 9005, 'a'],
        [2, 9005, 'b'],
        [3, 9006, 'c'],
      ]);
      expect((await store.history(lease.run, 2)).map((record) => record.seq)).toEqual([3]);
    });

    test('accepts an entry only at the end of the history that its writer knows', async () => {
      const lease = await fresh();
      await store.append(lease, 0, 5, { events: [asked('a')] });
      // Repeated, as after a lost response: it is stored only once.
      expect(await store.append(lease, 0, 5, { events: [asked('a')] })).toEqual({ refused: 'moved' });
      expect(await store.history(lease.run)).toHaveLength(1);
    });

    test('never lets the time of a history go backwards', async () => {
      const lease = await fresh();
      await add(lease, 9000, { events: [asked('a')] });
      expect(await add(lease, 8000, { events: [asked('b')] })).toEqual({ seq: 2, at: 9000 });
      await store.request(lease.run, 7000, asked('c'));
      expect((await store.history(lease.run)).map((record) => record.at)).toEqual([9000, 9000, 9000]);
    });

    test('preserves a pipeline exactly, including the order of its columns', async () => {
      const written = await load(good);
      const run = `${prefix}-written`;
      const event = { type: 'run-started', run, pipeline: written, file: 'f' } as const;
      await store.create({ run, pipeline, at: 1, events: [event] });
      const [record] = await store.history(run);
      expect(JSON.stringify(record?.event)).toBe(JSON.stringify(event));
    });

    test('gives a run to one controller at a time, and to another when the lease has expired', async () => {
      const you = await controller();
      await store.heartbeat(`${prefix}-short`, 300);
      const mine = await fresh(`${prefix}-short`);
      expect(await store.claim(mine.run, `${prefix}-short`)).toEqual(mine);
      expect(await store.claim(mine.run, you)).toBeUndefined();
      expect((await store.orphaned(1e6)).map((each) => each.run)).not.toContain(mine.run);
      await pass(400);
      expect((await store.orphaned(1e6)).find((each) => each.run === mine.run)).toMatchObject({
        owner: `${prefix}-short`,
      });
      const yours = await store.claim(mine.run, you);
      expect(yours?.token).toBeGreaterThan(mine.token);
      expect(await store.append(mine, 0, 1, { events: [asked('late')] })).toEqual({ refused: 'lost' });
      expect(await store.history(mine.run)).toEqual([]);
    });

    test('refuses the heartbeat of an expired lease', async () => {
      expect(await store.heartbeat(`${prefix}-brief`, 200)).toBeGreaterThan(0);
      expect(await store.heartbeat(`${prefix}-brief`, 200)).toBeGreaterThan(0);
      expect(await store.controllers()).toContain(`${prefix}-brief`);
      await pass(300);
      expect(await store.controllers()).not.toContain(`${prefix}-brief`);
      expect(await store.heartbeat(`${prefix}-brief`, 200)).toBeUndefined();
      const lease = await fresh();
      expect(await store.claim(lease.run, `${prefix}-brief`)).toBeUndefined();
    });

    test('frees the runs of an expired controller at once', async () => {
      const [me, you] = [await controller(), await controller()];
      const mine = await fresh(me);
      expect(await store.claim(mine.run, you)).toBeUndefined();
      await store.expire(me);
      expect(await store.claim(mine.run, you)).toBeDefined();
      expect(await store.heartbeat(me, 1000)).toBeUndefined();
    });

    test('lets another controller claim a released run at once, and no controller an ended one', async () => {
      const [me, you] = [await controller(), await controller()];
      const mine = await fresh(me);
      await store.release(mine);
      const yours = (await store.claim(mine.run, you)) as Lease;
      await add(yours, 1, { events: [], summary: { ended: 5 } });
      expect(await store.claim(mine.run, me)).toBeUndefined();
      expect(await store.request(mine.run, 6, asked('late'))).toBe(false);
    });

    test('returns the runs that a controller owns, with the lengths of their histories', async () => {
      const me = await controller();
      const [a, b] = [await fresh(me), await fresh(me)];
      await add(b, 1, { events: [asked('x')] });
      expect(new Map(await store.held(me))).toEqual(
        new Map([
          [a.run, { token: a.token, seq: 0 }],
          [b.run, { token: b.token, seq: 1 }],
        ]),
      );
    });

    test('returns earlier active runs of the same pipeline', async () => {
      const own = `${prefix}-queue`;
      const [first, second, third] = await Promise.all(
        ['q1', 'q2', 'q3'].map(
          async (each) => (await store.create({ run: `${prefix}-${each}`, pipeline: own, at: 1, events: [] })).lease,
        ),
      );
      const inOrder = [first, second, third].map((lease) => (lease as Lease).run);
      const all = (await Promise.all(inOrder.map((run) => store.activeBefore(run)))).sort(
        (a, b) => a.length - b.length,
      );
      expect(all.map((ahead) => ahead.length)).toEqual([0, 1, 2]);
      const oldest = all[2]?.[0] as string;
      await add({ run: oldest, token: 1 }, 1, { events: [], summary: { ended: 2 } });
      const last = inOrder.find((run) => run !== oldest && !all[2]?.includes(run)) as string;
      expect(await store.activeBefore(last)).toHaveLength(1);
    });

    test('limits the live Spark applications, and frees a slot with the event that ends one', async () => {
      const [a, b] = [await fresh(), await fresh()];
      const key = (lease: Lease, n: number): string => `${lease.run}-${n}`;
      const limit = 1;
      const begin = (lease: Lease, n: number) =>
        add(lease, 1, { events: [], takesSlot: { key: key(lease, n), limit } });
      expect(await begin(a, 1)).toHaveProperty('seq');
      expect(await begin(b, 1)).toEqual({ refused: 'no-slot' });
      await add(a, 1, { events: [], freesSlot: key(a, 1) });
      expect(await begin(b, 1)).toHaveProperty('seq');
      // A run that ends frees its slots.
      await add(b, 1, { events: [], summary: { ended: 3 } });
      expect(await begin(a, 2)).toHaveProperty('seq');
      await add(a, 1, { events: [], summary: { ended: 3 } });
    });

    test('finds a run by its name or an unambiguous prefix', async () => {
      const { run } = await fresh();
      expect((await store.find(run))?.run).toBe(run);
      expect(await store.find(prefix)).toBeUndefined();
      expect(await store.find('no-such-run')).toBeUndefined();
    });

    test('lists the newest first, with the latest summary', async () => {
      const lease = await fresh();
      const summary = { state: 'failed', branch: 'b', reason: 'r', ended: 77, quality: 0.5, rows: 3, coreSeconds: 8 };
      await add(lease, 1, { events: [], summary });
      const [newest] = await store.list({ pipeline, limit: 1 });
      expect(newest).toMatchObject({ run: lease.run, pipeline, ...summary });
    });

    test('returns the profiles of the last published run, not those of a failed one', async () => {
      const pinned = (path: string) => ({
        a: { ...profile(), pin: { kind: 'csv' as const, files: [{ path, size: 1, mtimeMs: 2 }] } },
      });
      const published = await fresh();
      await add(published, 1, { events: [{ type: 'sources-measured', findings: {}, profiles: pinned('lost') }] });
      const measured = { type: 'sources-measured', findings: {}, profiles: pinned('x') } as const;
      await add(published, 1, { events: [measured], summary: { state: 'succeeded' } });
      const failed = await fresh();
      await add(failed, 1, {
        events: [{ type: 'sources-measured', findings: {}, profiles: { a: profile() } }],
        summary: { state: 'failed' },
      });
      expect(await store.lastProfiles(pipeline)).toEqual(measured.profiles);
      expect(await store.lastProfiles('never-run')).toEqual({});
    });

    const ready = {
      store: () => store,
      as: (owner: StoreOwner) => as(owner),
      prefix,
      fresh,
      add,
      pass: (ms: number) => pass(ms),
    };
    outboxContract({ ...ready, controller });
    runsContract({ ...ready, pipeline });
    runListsContract(ready);
    triggersContract(ready);
    outcomesContract(ready);
    serversContract(ready);
    proofsContract(ready);
    tokensContract(ready);
    vitalsContract((of) => as({ name: of }));
    alertsContract((of) => as({ name: of }), ready.pass);
  });
}
