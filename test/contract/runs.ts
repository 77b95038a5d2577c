import { expect, test } from 'vitest';
import type { RunEvent } from '../../controller/domain/events.ts';
import type { Plan } from '../../controller/domain/plan.ts';
import type { Entry, Lease, RunStore, StoreOwner } from '../../controller/domain/ports/store.ts';
import { profile } from '../planning/profiles.ts';

/** The prepared parts of the store's suite. */
export interface Ready {
  readonly store: () => RunStore;
  readonly as: (owner: StoreOwner) => Promise<RunStore>;
  readonly pass: (ms: number) => Promise<void>;
  readonly prefix: string;
  readonly pipeline: string;
  readonly fresh: () => Promise<Lease>;
  readonly add: (lease: Lease, at: number, entry: Entry) => Promise<unknown>;
}

const asked = (by: string): RunEvent => ({ type: 'cancel-requested', by });
const measured = (path: string): RunEvent => ({
  type: 'sources-measured',
  findings: {},
  profiles: { a: { ...profile(), pin: { kind: 'csv', files: [{ path, size: 1, mtimeMs: 2 }] } } },
});

/** The part of the store's suite about several runs: keys, the feed, projects, and removal. */
export function runsContract({ store, as, pass, prefix, pipeline, fresh, add }: Ready): void {
  test('creates one run per key, also for concurrent requests, and returns it to the others', async () => {
    const key = `${prefix}-tick`;
    const names = ['k1', 'k2', 'k3'].map((name) => `${prefix}-${name}`);
    const ask = (run: string, i: number) =>
      store().create({ run, pipeline: `${pipeline}-${i}`, at: 1, events: [asked(run)], idempotencyKey: key });
    const all = [...(await Promise.all(names.slice(0, 2).map(ask))), await ask(names[2] as string, 2)];
    const made = all.filter(({ isNew }) => isNew);
    expect(made).toHaveLength(1);
    expect(new Set(all.map(({ lease }) => lease.run))).toEqual(new Set([made[0]?.lease.run]));
    expect(await store().history(made[0]?.lease.run as string)).toHaveLength(1);
    for (const { lease, isNew } of all)
      if (!isNew) expect(await add(lease, 1, { events: [asked('x')] })).toEqual({ refused: 'lost' });
    // Another project has its own keys.
    const other = await as({ name: `${prefix}-keys` });
    expect(await other.create({ run: `${prefix}-k4`, pipeline, at: 1, events: [], idempotencyKey: key })).toMatchObject(
      {
        isNew: true,
      },
    );
    await other.close();
  });

  test('returns the events of all runs in one order, and wakes readers that wait for the next', async () => {
    const own = await as({ name: `${prefix}-feed` });
    const create = async (name: string): Promise<Lease> =>
      (await own.create({ run: `${prefix}-${name}`, pipeline, at: 5, events: [asked(name)] })).lease;
    const [a, b] = [await create('f1'), await create('f2')];
    await own.append(a, 1, 6, { events: [asked('x'), asked('y')] });
    await own.request(b.run, 7, asked('z'));
    const all = await own.since(0, 100);
    expect(await own.lastPosition()).toBe(all.at(-1)?.position);
    expect(
      all.map(({ run, seq, at, event }) => [run.slice(-2), seq, at, event.type === 'cancel-requested' && event.by]),
    ).toEqual([
      ['f1', 1, 5, 'f1'],
      ['f2', 1, 5, 'f2'],
      ['f1', 2, 6, 'x'],
      ['f1', 3, 6, 'y'],
      ['f2', 2, 7, 'z'],
    ]);
    expect(await own.since(all[1]?.position as number, 2)).toEqual(all.slice(2, 4));
    const last = all.at(-1)?.position as number;
    await own.waitFor(last - 1, new AbortController().signal);
    const waiting = own.waitFor(last, new AbortController().signal);
    const gaveUp = new AbortController();
    const givenUp = own.waitFor(last, gaveUp.signal);
    gaveUp.abort();
    await givenUp;
    await own.request(a.run, 8, asked('woken'));
    await waiting;
    expect(await own.since(last, 9)).toHaveLength(1);
    await own.close();
  });

  test('returns the last run with a plan', async () => {
    const own = `${prefix}-planned`;
    const begin = async (name: string): Promise<Lease> =>
      (await store().create({ run: `${prefix}-${name}`, pipeline: own, at: 1, events: [] })).lease;
    expect(await store().lastPlanned(own)).toBeUndefined();
    const plan = { quality: 1, reason: 'why', verdicts: [] } as unknown as Plan;
    const first = await begin('n1');
    await add(first, 1, {
      events: [measured('x'), { type: 'planned', plan }],
      summary: { branch: '', reason: 'planned', quality: 1 },
    });
    await begin('n2');
    expect(await store().lastPlanned(own)).toMatchObject({
      run: first.run,
      plan,
      profiles: { a: { pin: { files: [{ path: 'x' }] } } },
      quality: 1,
      branch: '',
    });
  });

  test('shows a project only its own runs', async () => {
    const shared = `${prefix}-shared`;
    const [one, two] = [await as({ name: `${prefix}-1` }), await as({ name: `${prefix}-2` })];
    for (const [each, name] of [
      [one, 'o1'],
      [two, 'o2'],
    ] as const) {
      const { lease } = await each.create({ run: `${prefix}-${name}`, pipeline: shared, at: 1, events: [] });
      const message = { id: `<${name}-${prefix}>`, run: lease.run, event: 'succeeded', to: 'a' };
      const summary = { state: 'succeeded', ended: 2 };
      await each.append(lease, 0, 2, { events: [measured(name)], summary, messages: [message] });
      await each.create({ run: `${prefix}-open-${name}`, pipeline: shared, at: 1, events: [] });
    }
    const seen = async (each: RunStore) => ({
      list: (await each.list({ limit: 9 })).map(({ run }) => run),
      other: await each.find(each === one ? `${prefix}-o2` : `${prefix}-o1`),
      profiles: Object.values(await each.lastProfiles(shared)).map(({ pin }) => pin),
      pending: await each.pendingCleanup(0, 9),
      orphaned: (await each.orphaned(9)).map(({ run }) => run),
      ahead: await each.activeBefore((await each.list({ limit: 1 }))[0]?.run as string),
      due: (await each.due()).map(({ message }) => message.run),
      feed: (await each.since(0, 9)).map(({ run }) => run),
    });
    const expected = (name: string) => ({
      list: [`${prefix}-open-${name}`, `${prefix}-${name}`],
      other: undefined,
      profiles: [{ kind: 'csv', files: [{ path: name, size: 1, mtimeMs: 2 }] }],
      pending: [`${prefix}-${name}`],
      orphaned: [`${prefix}-open-${name}`],
      ahead: [],
      due: [`${prefix}-${name}`],
      feed: [`${prefix}-${name}`],
    });
    expect(await seen(one)).toEqual(expected('o1'));
    expect(await seen(two)).toEqual(expected('o2'));
    const [me, you] = [`${prefix}-m1`, `${prefix}-m2`];
    await Promise.all([one.heartbeat(me, 60_000), two.heartbeat(you, 60_000)]);
    expect([await one.claimRole('outbox', me, 5000), await two.claimRole('outbox', you, 5000)]).toEqual([true, true]);
    expect(await one.claimRole('outbox', you, 5000)).toBe(false);
    await Promise.all([one.close(), two.close()]);
  });

  test('moves the runs of former names to a project when it opens the store, once', async () => {
    const before = await as({ name: `${prefix}/home` });
    await before.create({ run: `${prefix}-moved`, pipeline, at: 1, events: [asked('x')] });
    const formerNames = [`${prefix}/home`];
    const [first, second] = [
      await as({ name: `${prefix}-m`, formerNames }),
      await as({ name: `${prefix}-n`, formerNames }),
    ];
    expect((await first.find(`${prefix}-moved`))?.run).toBe(`${prefix}-moved`);
    expect(await first.since(0, 9)).toHaveLength(1);
    expect(await second.list({ limit: 9 })).toEqual([]);
    await Promise.all([before.close(), first.close(), second.close()]);
  });

  test('removes old runs completely, but never the last published one', async () => {
    const own = await as({ name: `${prefix}-old` });
    const end = async (name: string, state: string, swept = true): Promise<string> => {
      const { lease } = await own.create({ run: `${prefix}-${name}`, pipeline, at: 1, events: [asked(name)] });
      const message = { id: `<${name}-${prefix}>`, run: lease.run, event: state, to: 'a' };
      await own.append(lease, 1, 2, { events: [asked('y')], summary: { state, ended: 2 }, messages: [message] });
      if (swept) await own.cleanedUp(lease.run);
      return lease.run;
    };
    const older = await end('r1', 'succeeded');
    await end('r2', 'degraded');
    const failed = await end('r3', 'failed');
    await end('r4', 'failed', false);
    const { lease: open } = await own.create({ run: `${prefix}-r5`, pipeline, at: 1, events: [] });
    expect(await own.beyondRetention(60_000, 9)).toEqual([]);
    await pass(50);
    expect(await own.beyondRetention(20, 9)).toEqual([
      { run: older, pipeline },
      { run: failed, pipeline },
    ]);
    await own.remove(older);
    await own.remove(older);
    await own.remove(open.run);
    expect((await own.list({ limit: 9 })).map(({ run }) => run.slice(-2))).toEqual(['r5', 'r4', 'r3', 'r2']);
    expect((await own.since(0, 20)).map(({ run }) => run)).not.toContain(older);
    expect((await own.due()).map(({ message }) => message.run)).not.toContain(older);
    await own.close();
  });

  test('creates a run and its first events together or not at all', async () => {
    const { run } = await fresh();
    await expect(
      store()
        .create({ run, pipeline, at: 1, events: [asked('again')] })
        .then(() => 'created'),
    ).rejects.toThrow();
    expect(await store().history(run)).toEqual([]);
  });

  test('returns ended runs with pending cleanup, after a delay', async () => {
    const lease = await fresh();
    const pending = async () => (await store().pendingCleanup(300, 1e6)).includes(lease.run);
    await add(lease, Date.now(), { events: [], summary: { ended: Date.now() } });
    expect(await pending()).toBe(false);
    await pass(700);
    expect(await pending()).toBe(true);
    await store().cleanedUp(lease.run);
    expect(await pending()).toBe(false);
  });
}
