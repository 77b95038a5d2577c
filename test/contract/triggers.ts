import { expect, test } from 'vitest';
import { firingsFor, type Ready } from './firings-for.ts';

/** The part of the store's suite about triggers. */
export function triggersContract(ready: Ready): void {
  const { pipeline, named, firing, enter, eventsOf, claim } = firingsFor(ready, 'fired');
  const { store, as, pass, prefix } = ready;

  test('arms a trigger when it is first seen, by its own clock', async () => {
    const name = named();
    expect(await store().knownTrigger(name)).toBeUndefined();
    const first = await store().trigger(name);
    expect(await store().knownTrigger(name)).toMatchObject({ armed: first.armed });
    expect(first).toMatchObject({ seq: 0, generation: 1, cursor: undefined, pauses: [], waiting: 0 });
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
    const [one, two] = [firing('1'), firing('2', { payload: { "it's": ['"quoted"', null] } })];
    const started = (key: string, run: string) => ({ key, isNew: true, outcome: 'started', reason: undefined, run });
    expect(await store().fire(name, seen, [one, two], { upTo: 2 })).toEqual([
      started('1', one.as.start.run),
      started('2', two.as.start.run),
    ]);
    const then = await store().trigger(name);
    expect([then.seq > seen.seq, then.cursor, then.waiting]).toEqual([true, { upTo: 2 }, 2]);
    const [again, three] = [firing('2'), firing('3', { due: 7 })];
    expect(await store().fire(name, then, [again, three, firing('3')], null)).toEqual([
      { ...started('2', two.as.start.run), isNew: false },
      started('3', three.as.start.run),
      { ...started('3', three.as.start.run), isNew: false },
    ]);
    const rows = await store().firings({ ...name, limit: 10 });
    expect(rows.map(({ key, due, run, payload }) => ({ key, due, run, payload }))).toEqual([
      { key: '3', due: 7, run: three.as.start.run, payload: undefined },
      { key: '2', due: 5, run: two.as.start.run, payload: { "it's": ['"quoted"', null] } },
      { key: '1', due: 5, run: one.as.start.run, payload: undefined },
    ]);
    expect(rows[0]).toMatchObject({ ...name, generation: 1, count: 1, until: undefined, outcome: 'started' });
    expect((rows[0]?.noted ?? 0) - then.now).toBeLessThan(60_000);
    expect(await store().firings({ ...name, limit: 1 })).toHaveLength(1);
    expect(await store().firings({ ...name, before: rows[1]?.number as number, limit: 9 })).toEqual([rows[2]]);
    expect(await eventsOf(three.as.start.run)).toEqual(three.as.start.events);
    expect(await store().find(three.as.start.run)).toMatchObject({ trigger: name.trigger });
    expect(await store().find(again.as.start.run)).toBeUndefined();
    const orphans = (await store().orphaned(1000)).map(({ run }) => run);
    expect(orphans).toEqual(expect.arrayContaining([one.as.start.run, three.as.start.run]));
  });

  test('lets exactly one of several controllers fire what all of them see', async () => {
    const name = named();
    const seen = await store().trigger(name);
    const tries = await Promise.all(Array.from({ length: 8 }, (_, i) => store().fire(name, seen, [firing('x')], i)));
    expect(tries.filter((each) => each !== undefined)).toHaveLength(1);
    expect(await store().firings({ ...name, limit: 10 })).toHaveLength(1);
  });

  test('takes firings of a trigger without its seq from any number of callers at once, each key once', async () => {
    const name = named();
    const { generation, seq } = await store().trigger(name);
    const keys = Array.from({ length: 12 }, (_, i) => `k${i % 4}`);
    const all = await Promise.all(keys.map((key) => store().fire(name, { generation }, [firing(key)])));
    expect(all.flatMap((each) => each ?? []).filter(({ isNew }) => isNew)).toHaveLength(4);
    const runs = new Map((await store().firings({ ...name, limit: 20 })).map(({ key, run }) => [key, run]));
    for (const [i, each] of all.entries()) expect(each?.[0]?.run).toBe(runs.get(keys[i] as string));
    expect((await store().trigger(name)).seq).toBe(seq);
  });

  test('leaves no part of a firing whose run cannot be created', async () => {
    const name = named();
    const seen = await store().trigger(name);
    const good = firing('good');
    const taken = { ...firing('taken'), as: { start: { ...good.as.start } } };
    await expect(store().fire(name, seen, [good, taken], 1)).rejects.toThrow();
    expect(await store().firings({ ...name, limit: 10 })).toEqual([]);
    expect(await store().find(good.as.start.run)).toBeUndefined();
    expect((await store().trigger(name)).seq).toBe(seen.seq);
  });

  test('pauses until it is resumed or the time is up, and says what the pauses were until they are accounted for', async () => {
    const name = named();
    const { seq, now } = await store().trigger(name);
    expect(await store().pause(name, { by: 'anna', reason: "it's broken" })).toBe(true);
    expect(await store().pause(name, { by: 'ben' })).toBe(false);
    const paused = await store().trigger(name);
    expect(paused.seq).toBeGreaterThan(seq);
    expect(paused.pauses).toEqual([{ from: expect.any(Number), by: 'anna', reason: "it's broken" }]);
    expect(paused.pauses[0]?.from).toBeGreaterThanOrEqual(now);
    expect(await store().fire(name, { ...paused, seq }, [], null)).toBeUndefined();
    await store().fire(name, paused, [], null);
    expect((await store().trigger(name)).pauses).toHaveLength(1);
    expect([await store().resume(name), await store().resume(name)]).toEqual([true, false]);
    const resumed = await store().trigger(name);
    expect(resumed.pauses[0]?.to).toBe(resumed.resumed);
    expect(await store().pause(name, { by: 'ben', until: resumed.now + 100 })).toBe(true);
    await pass(150);
    const over = await store().trigger(name);
    expect(over.pauses.map(({ by, to }) => [by, to !== undefined])).toEqual([
      ['anna', true],
      ['ben', true],
    ]);
    expect(over.resumed).toBe(resumed.now + 100);
    await store().fire(name, over, [], null, true);
    const partial = await store().trigger(name);
    expect(partial.pauses.map(({ by, to }) => [by, to])).toEqual(over.pauses.map(({ by, to }) => [by, to]));
    await store().fire(name, partial, [], null);
    expect(await store().trigger(name)).toMatchObject({ pauses: [], resumed: resumed.now + 100 });
    expect(await store().resume({ pipeline, trigger: 'unknown' })).toBe(false);
  });

  test('after a reset the keys begin again, and the rows of before stay', async () => {
    const name = named();
    const seen = await store().trigger(name);
    await enter(name, [firing('1')], { upTo: 1 });
    await pass(20);
    await store().reset(name);
    const reset = await store().trigger(name);
    expect(reset).toMatchObject({ generation: 2, cursor: undefined });
    expect(reset.armed).toBeGreaterThan(seen.armed);
    expect(await store().fire(name, { generation: 1 }, [firing('2')])).toBeUndefined();
    expect((await enter(name, [firing('1')]))?.[0]).toMatchObject({ isNew: true, outcome: 'started' });
    expect((await store().firings({ ...name, limit: 9 })).map((each) => each.generation)).toEqual([2, 1]);
    // What was held is not held for ever.
    await enter(name, [{ ...firing('h'), as: { outcome: 'held', reason: 'paused' } }]);
    await store().reset(name);
    expect(await store().firings({ ...name, limit: 1 })).toMatchObject([
      { outcome: 'skipped', reason: expect.stringContaining('reset') },
    ]);
  });

  test('lists its triggers with their problem and last row, and the ends of their runs', async () => {
    const name = named();
    await enter(name, [firing('1'), firing('2')]);
    await store().setProblem(name, "the topic's gone");
    const listed = (await store().triggers()).find(({ trigger }) => trigger === name.trigger);
    expect(listed).toMatchObject({ ...name, problem: "the topic's gone", waiting: 2, last: { key: '2' } });
    await store().setProblem(name, undefined);
    expect((await store().trigger(name)).problem).toBeUndefined();
    for (const [i, { run = '' }] of (await store().firings({ ...name, limit: 9 })).entries()) {
      const end = { state: i === 0 ? 'failed' : 'skipped', ended: 9 };
      await store().append(await claim(run), 1, 9, { events: [{ type: 'queue-left' }], summary: end });
    }
    expect(await store().lastEnds(name, 0, 5)).toEqual(['failed', 'skipped']);
    expect([await store().lastEnds(name, 0, 1), await store().lastEnds(name, 2, 5)]).toEqual([['failed'], []]);
    const payload = { note: '"ü"\n', n: 2 ** 40 };
    await enter(name, [{ ...firing('3'), until: 9e12, count: 4, payload, as: { outcome: 'missed', reason: 'why' } }]);
    const [last] = await store().firings({ ...name, limit: 1 });
    expect(last).toMatchObject({ key: '3', payload, until: 9e12 });
    expect((await store().triggers()).find(({ trigger }) => trigger === name.trigger)?.last).toEqual(last);
  });

  test('separates projects, and preserves the ledger when a run is removed', async () => {
    const name = named();
    const other = await as({ name: `${prefix}-other-triggers` });
    await enter(name, [firing('a')], 1);
    expect([await other.firings({ ...name, limit: 9 }), await other.triggers()]).toEqual([[], []]);
    expect((await other.trigger(name)).cursor).toBeUndefined();
    const [fired] = await store().firings({ ...name, limit: 1 });
    const lease = await claim(fired?.run as string);
    await store().append(lease, 1, 9, { events: [{ type: 'queue-left' }], summary: { state: 'failed', ended: 9 } });
    await store().remove(fired?.run as string);
    expect((await store().firings({ ...name, limit: 9 })).map(({ key, run }) => [key, run])).toEqual([
      ['a', undefined],
    ]);
    expect((await enter(name, [firing('a')]))?.[0]).toMatchObject({ isNew: false, outcome: 'started', run: undefined });
    await other.close();
  });

  test('gives rows by when they were due, and by the names of their pipelines', async () => {
    const name = named();
    const several = { ...firing('b'), due: 20, until: 40, count: 3, as: { outcome: 'skipped', reason: 'x' } } as const;
    await enter(name, [{ ...firing('a'), due: 10 }, several, { ...firing('c'), due: 50 }]);
    const keys = async (filter: object) =>
      (await store().firings({ ...name, limit: 9, ...filter })).map(({ key }) => key);
    expect(await keys({ since: 30 })).toEqual(['c', 'b']);
    expect(await keys({ since: 10, until: 20 })).toEqual(['a']);
    expect(await keys({ since: 41, until: 50 })).toEqual([]);
    const glob = `${name.pipeline.slice(0, -1)}*`;
    expect(await keys({ pipelines: ['nothing', glob] })).toEqual(['c', 'b', 'a']);
    expect([await keys({ pipelines: ['nothing*'] }), await keys({ pipelines: [] })]).toEqual([[], []]);
  });

  test('removes old rows without a run, but none of the newest of a trigger and none that is held', async () => {
    const own = await as({ name: `${prefix}-old-rows` });
    const [name, other] = [named(), named()];
    const skipped = (key: string) => ({ ...firing(key), as: { outcome: 'skipped', reason: 'x' } }) as const;
    const held = { ...firing('held'), as: { outcome: 'held', reason: 'x' } } as const;
    const all = [firing('run'), held, ...['1', '2', '3', '4', '5'].map(skipped)];
    await own.fire(name, await own.trigger(name), all);
    await own.fire(other, await own.trigger(other), [skipped('1'), skipped('2')]);
    await pass(30);
    const keys = async () => (await own.firings({ ...name, limit: 9 })).map(({ key }) => key).reverse();
    expect(await own.removeFirings(60_000, 0, 9)).toBe(0);
    expect(await own.removeFirings(10, 2, 2)).toBe(2);
    expect(await keys()).toEqual(['run', 'held', '3', '4', '5']);
    expect(await own.removeFirings(10, 2, 9)).toBe(1);
    expect(await keys()).toEqual(['run', 'held', '4', '5']);
    expect(await own.firings({ ...other, limit: 9 })).toHaveLength(2);
    await own.close();
  });

  test('gives the ends of runs in their order, from a position on', async () => {
    const name = named();
    const { position: begin } = await store().endsSince(undefined, 10);
    await enter(name, [firing('1'), firing('2'), firing('3')]);
    const runs = (await store().firings({ ...name, limit: 9 })).map(({ run }) => run as string);
    expect((await store().endsSince(begin, 10)).ends).toEqual([]);
    for (const run of runs) {
      const ended = { type: 'run-ended' as const, state: 'failed' as const, reason: '' };
      await store().append(await claim(run), 1, 9, { events: [ended], summary: { state: 'failed', ended: 9 } });
    }
    const some = await store().endsSince(begin, 2);
    expect(some.ends.map(({ run, pipeline: of, state }) => [run, of, state])).toEqual(
      runs.slice(0, 2).map((run) => [run, pipeline, 'failed']),
    );
    const rest = await store().endsSince(some.position, 2);
    expect(rest.ends.map(({ run }) => run)).toEqual(runs.slice(2));
    expect((await store().endsSince(rest.position, 2)).ends).toEqual([]);
  });
}
