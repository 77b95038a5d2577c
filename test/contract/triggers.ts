import { expect, test } from 'vitest';
import type { NewRun, RunStore, StoreOwner, TriggerName } from '../../controller/domain/ports/store.ts';

/** The prepared parts of the store's suite. */
interface Ready {
  readonly store: () => RunStore;
  readonly as: (owner: StoreOwner) => Promise<RunStore>;
  readonly pass: (ms: number) => Promise<void>;
  readonly prefix: string;
}

/** The part of the store's suite about triggers. */
export function triggersContract({ store, as, pass, prefix }: Ready): void {
  let next = 0;
  const named = (): TriggerName => {
    next += 1;
    return { pipeline: `${prefix}-fired`, trigger: `t${next}` };
  };
  const firing = (key: string, due = 5) => {
    next += 1;
    const start: NewRun = {
      run: `${prefix}-fired-${next}`,
      pipeline: `${prefix}-fired`,
      at: 1,
      events: [{ type: 'cancel-requested', by: key }],
    };
    return { key, due, start };
  };

  test('arms a trigger when it is first seen, by its own clock', async () => {
    const name = named();
    const first = await store().trigger(name);
    expect(first).toMatchObject({ seq: 0, cursor: undefined });
    expect(first.now - first.armed).toBeLessThan(60_000);
    expect(first.now).toBeGreaterThanOrEqual(first.armed);
    await pass(50);
    const later = await store().trigger(name);
    expect(later.armed).toBe(first.armed);
    expect(later.now).toBeGreaterThanOrEqual(first.now + 50);
  });

  test('stores a firing with its run and the cursor, and each key only once', async () => {
    const name = named();
    const seen = await store().trigger(name);
    const [one, two] = [firing('1'), firing('2')];
    expect(await store().fire(name, seen, [one, two], { upTo: 2 })).toEqual([one.start.run, two.start.run]);
    const then = await store().trigger(name);
    expect([then.seq > seen.seq, then.cursor]).toEqual([true, { upTo: 2 }]);
    const [again, three] = [firing('2'), firing('3', 7)];
    expect(await store().fire(name, then, [again, three, firing('3')], null)).toEqual([three.start.run]);
    expect(await store().firings(name, 10)).toEqual([
      { key: '3', due: 7, run: three.start.run },
      { key: '2', due: 5, run: two.start.run },
      { key: '1', due: 5, run: one.start.run },
    ]);
    expect(await store().firings(name, 1)).toHaveLength(1);
    expect((await store().history(three.start.run)).map(({ event }) => event)).toEqual(three.start.events);
    expect(await store().find(again.start.run)).toBeUndefined();
    const orphans = (await store().orphaned(1000)).map(({ run }) => run);
    expect(orphans).toEqual(expect.arrayContaining([one.start.run, three.start.run]));
  });

  test('lets exactly one of several controllers fire what all of them see', async () => {
    const name = named();
    const seen = await store().trigger(name);
    const tries = await Promise.all(Array.from({ length: 8 }, (_, i) => store().fire(name, seen, [firing('x')], i)));
    expect(tries.filter((each) => each !== undefined)).toHaveLength(1);
    expect(await store().firings(name, 10)).toHaveLength(1);
  });

  test('leaves no part of a firing whose run cannot be created', async () => {
    const name = named();
    const seen = await store().trigger(name);
    const good = firing('good');
    const taken = { ...firing('taken'), start: { ...good.start } };
    await expect(store().fire(name, seen, [good, taken], 1)).rejects.toThrow();
    expect(await store().firings(name, 10)).toEqual([]);
    expect(await store().find(good.start.run)).toBeUndefined();
    expect((await store().trigger(name)).seq).toBe(seen.seq);
  });

  test('separates projects, and preserves the ledger when a run is removed', async () => {
    const name = named();
    const other = await as({ name: `${prefix}-other-triggers` });
    await store().fire(name, await store().trigger(name), [firing('a')], 1);
    expect([await other.firings(name, 10), (await other.trigger(name)).cursor]).toEqual([[], undefined]);
    const [fired] = await store().firings(name, 1);
    const lease = await claimed(fired?.run as string);
    await store().append(lease, 1, 9, { events: [{ type: 'queue-left' }], summary: { state: 'failed', ended: 9 } });
    await store().remove(fired?.run as string);
    expect(await store().firings(name, 10)).toEqual([{ key: 'a', due: 5, run: undefined }]);
    expect(await store().fire(name, await store().trigger(name), [firing('a')], 1)).toEqual([]);
    await other.close();
  });

  async function claimed(run: string) {
    await store().heartbeat(`${prefix}-firing`, 600_000);
    const lease = await store().claim(run, `${prefix}-firing`);
    if (!lease) throw new Error('no lease');
    return lease;
  }
}
