import { expect, test } from 'vitest';
import { mostWaiting } from '../../controller/domain/ports/triggers.ts';
import { firingsFor, type Ready } from './firings-for.ts';

/** The part of the store's suite about the outcomes of firings. */
export function outcomesContract(ready: Ready): void {
  const { named, firing, noted, enter, eventsOf, claim } = firingsFor(ready, 'outcomes');
  const { store } = ready;

  test('stores why a firing starts no run; a later row replaces it when it says so', async () => {
    const name = named();
    await enter(name, [noted('a', 'missed', 'later than 24h'), { ...noted('b .. d', 'skipped'), count: 3, until: 9 }]);
    const find = async (at: number) => (await store().firings({ ...name, at, limit: 9 })).map(({ key }) => key);
    expect([await find(5), await find(9), await find(10)]).toEqual([['b .. d', 'a'], ['b .. d'], []]);
    expect((await enter(name, [firing('a')]))?.[0]).toEqual({
      ...{ key: 'a', isNew: false, outcome: 'missed', reason: 'later than 24h', run: undefined },
    });
    const replaced = await enter(name, [firing('a', { replaces: ['missed'] }), firing('e', { replaces: ['missed'] })]);
    expect(replaced?.map(({ isNew, outcome }) => [isNew, outcome])).toEqual([
      [true, 'started'],
      [true, 'started'],
    ]);
    expect((await enter(name, [firing('a', { replaces: ['missed'] })]))?.[0]?.isNew).toBe(false);
    const started = await store().firings({ ...name, outcome: 'started', limit: 9 });
    expect(started.map(({ key }) => key).sort()).toEqual(['a', 'e']);
    expect(await store().firings({ run: started[0]?.run as string, limit: 9 })).toEqual([started[0]]);
  });

  test('a firing joins a waiting run of its trigger until that begins to measure, and no run of another', async () => {
    const [name, other] = [named(), named()];
    const first = firing('1', { joins: true });
    await enter(other, [firing('0')]);
    await enter(name, [first]);
    const { run } = first.as.start;
    const joined = await enter(name, [firing('2', { joins: true }), firing('3', { joins: true })]);
    expect(joined?.map((each) => [each.outcome, each.run])).toEqual([
      ['joined', run],
      ['joined', run],
    ]);
    const events = (await eventsOf(run)).slice(1);
    expect(events).toEqual(['2', '3'].map((key) => ({ type: 'triggered', cause: { kind: 'test', key } })));
    const own = await enter(name, [firing('4')]);
    expect(own?.[0]?.outcome).toBe('started');
    const newest = own?.[0]?.run as string;
    expect((await enter(name, [firing('5', { joins: true })]))?.[0]).toMatchObject({ outcome: 'joined', run: newest });
    for (const each of [run, newest]) {
      const lease = await claim(each);
      const { length } = await store().history(each);
      await store().append(lease, length, 9, { events: [{ type: 'measuring' }], summary: { measuring: true } });
    }
    expect((await store().trigger(name)).waiting).toBe(0);
    expect((await enter(name, [firing('6', { joins: true })]))?.[0]).toMatchObject({ isNew: true, outcome: 'started' });
  });

  test('a run that begins to measure and a firing that joins it take turns: none is lost', async () => {
    const name = named();
    const first = firing('0');
    await enter(name, [first]);
    const { run } = first.as.start;
    const lease = await claim(run);
    const begin = async () => {
      for (let after = 1; ; after = (await store().history(run)).length) {
        const entry = { events: [{ type: 'measuring' as const }], summary: { measuring: true as const } };
        if (!('refused' in (await store().append(lease, after, 9, entry)))) return;
      }
    };
    const { generation } = await store().trigger(name);
    const joining = Array.from({ length: 10 }, (_, i) =>
      store().fire(name, { generation }, [firing(`j${i}`, { joins: true })]),
    );
    const [, ...all] = await Promise.all([begin(), ...joining]);
    const events = await eventsOf(run);
    const last = events.findIndex(({ type }) => type === 'measuring');
    expect(events.slice(last + 1)).toEqual([]);
    const joined = all.flatMap((each) => each ?? []).filter((each) => each.run === run);
    expect(events.filter(({ type }) => type === 'triggered')).toHaveLength(joined.length);
    for (const each of all.flat()) expect(['started', 'joined']).toContain(each?.outcome);
  });

  test('refuses firings while too many runs wait', async () => {
    const name = named();
    const many = Array.from({ length: mostWaiting + 1 }, (_, i) => firing(String(i)));
    const all = await enter(name, many);
    expect(all?.filter(({ outcome }) => outcome === 'started')).toHaveLength(mostWaiting);
    expect(all?.at(-1)).toMatchObject({
      outcome: 'refused',
      reason: expect.stringContaining('100 runs'),
      run: undefined,
    });
    expect((await store().trigger(name)).waiting).toBe(mostWaiting);
    expect((await enter(name, [firing('join', { joins: true })]))?.[0]?.outcome).toBe('joined');
  });

  test('refuses no firing that the caller has room for, as far as it knows', async () => {
    const name = named();
    const seen = await store().trigger(name);
    const { generation } = seen;
    await store().fire(
      name,
      { generation },
      Array.from({ length: mostWaiting - 1 }, (_, i) => firing(String(i))),
    );
    expect(await store().fire(name, seen, [firing('x'), firing('y')], 1)).toBeUndefined();
    const now = await store().trigger(name);
    expect([now.cursor, now.waiting]).toEqual([undefined, mostWaiting - 1]);
    expect((await store().fire(name, seen, [firing('x')], 1))?.[0]?.outcome).toBe('started');
    const full = await store().trigger(name);
    expect((await store().fire(name, full, [firing('y')], 2))?.[0]?.outcome).toBe('refused');
  });

  test('a row that replaces another has its own payload, or else that of the other', async () => {
    const name = named();
    const payload = async () => (await store().firings({ ...name, limit: 1 }))[0]?.payload;
    await enter(name, [{ key: 'a', due: 5, as: { outcome: 'refused', reason: 'why' } }]);
    await enter(name, [{ ...noted('a', 'held'), replaces: ['refused'], payload: { body: 1 } }]);
    expect(await payload()).toEqual({ body: 1 });
    await enter(name, [firing('a', { replaces: ['held'] })]);
    expect(await payload()).toEqual({ body: 1 });
  });

  test('finds the rows of a key and of its repetitions, and no others', async () => {
    const name = named();
    const keys = ['a_', 'a_ again-1', 'a_ again-by-0', 'a_b', 'ab again-1', 'A_', 'a_  again-1'];
    await enter(
      name,
      keys.map((key) => noted(key, 'skipped')),
    );
    const rows = await store().firings({ ...name, key: 'a_', limit: 9 });
    expect(rows.map(({ key }) => key)).toEqual(['a_ again-by-0', 'a_ again-1', 'a_']);
  });

  test('a reset forgets a problem', async () => {
    const name = named();
    await store().trigger(name);
    await store().setProblem(name, 'no source');
    expect((await store().trigger(name)).problem).toBe('no source');
    await store().reset(name);
    expect((await store().trigger(name)).problem).toBeUndefined();
  });
}
