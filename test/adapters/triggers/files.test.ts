import { describe, expect, test } from 'vitest';
import type { StoredObject } from '../../../controller/domain/ports/storage.ts';
import { polled } from './state.ts';

/** A folder of files as a trigger sees it. */
function folderOf(...names: string[]) {
  const files = new Map<string, StoredObject>();
  const put = (name: string, size: number, modifiedMs: number): void => {
    files.set(name, { uri: `/in/${name}`, size, modifiedMs, version: `${size} ${modifiedMs}` });
  };
  for (const name of names) put(name, 10, 1);
  const kind = { kind: 'csv', watch: async () => ({ files: async () => [...files.values()] }) };
  return {
    put,
    remove: (name: string) => files.delete(name),
    context: { sourceKinds: [kind], sources: { a: { csv: 'x', key: 'id' } } },
  };
}
const fields = { files: 'a', settle: '10s', poll: '5s' };
const namesOf = (due: { firings: readonly { facts?: Record<string, unknown> }[] }) =>
  due.firings.map(({ facts }) => (facts?.files as string[] | undefined)?.map((path) => path.slice(4)).join(' '));

describe('files', () => {
  test('that were there before are not new; a new one fires once it has not changed for the time', async () => {
    const { put, context } = folderOf('old.csv');
    const { at } = polled(fields, context as never);
    expect((await at(0)).firings).toEqual([]);
    put('new.csv', 5, 1000);
    expect(namesOf(await at(1000))).toEqual([]);
    put('new.csv', 9, 8000);
    expect(namesOf(await at(12_000))).toEqual([]);
    expect(namesOf(await at(21_000))).toEqual([]);
    expect(namesOf(await at(22_000))).toEqual(['new.csv']);
    expect(namesOf(await at(60_000))).toEqual([]);
    put('new.csv', 9, 61_000);
    await at(61_000);
    expect(namesOf(await at(71_000))).toEqual(['new.csv']);
  });

  test('are counted while they wait to be accounted for', async () => {
    const { put, context } = folderOf('old.csv');
    const { at } = polled({ ...fields, atLeast: 2 }, context as never);
    await at(0);
    expect((await at(1000)).left).toBe(0);
    put('a.csv', 1, 1);
    await at(2000);
    expect((await at(20_000)).left).toBe(1);
    put('b.csv', 1, 1);
    expect((await at(21_000)).left).toBe(2);
    const due = await at(40_000);
    expect([due.firings.length, due.left]).toEqual([1, 0]);
  });

  test('that come together make one run; one that is written on and on does not hold up the others for long', async () => {
    const { put, context } = folderOf();
    const { at } = polled(fields, context as never);
    await at(0);
    for (const name of ['a', 'b', 'c']) put(`${name}.csv`, 1, 1);
    await at(1000);
    let last = await at(2000);
    let growing = 1;
    for (let now = 3000; last.firings.length === 0; now += 1000) {
      growing += 1;
      put('log.csv', growing, now);
      last = await at(now);
    }
    expect(namesOf(last)).toEqual(['a.csv b.csv c.csv']);
    expect(last.firings[0]?.facts?.pending).toEqual({ a: ['/in/log.csv'] });
    expect(growing).toBe(40);
    expect(namesOf(await at(80_000))).toEqual(['log.csv']);
  });

  test('more than a run can leave out are waited for; when they never settle while others have, that is a problem', async () => {
    const { put, context } = folderOf();
    const { at } = polled(fields, context as never);
    await at(0);
    put('done.csv', 1, 1);
    const write = (now: number): void => {
      for (let i = 0; i < 501; i++) put(`${i}.csv`, now, now);
    };
    for (let now = 1000; now < 41_000; now += 1000) {
      write(now);
      expect((await at(now)).firings).toEqual([]);
    }
    write(41_000);
    expect(await at(41_000)).toMatchObject({
      firings: [],
      problem: '501 files of a are still being written, and a run can leave out 500: ignore them by name',
    });
    expect(await at(52_000)).toMatchObject({ firings: [{ facts: { count: 502 } }] });
  });

  test('by names that are ignored, or without the marker, do not count', async () => {
    const { put, context } = folderOf();
    const { at } = polled(fields, context as never);
    await at(0);
    for (const name of ['x.tmp', 'x.part', '.x', 'x.csv.part']) put(name, 1, 1);
    await at(1000);
    expect((await at(99_000)).firings).toEqual([]);
    const marked = polled({ ...fields, marker: '_SUCCESS' }, context as never);
    await marked.at(0);
    put('data.csv', 1, 2);
    await marked.at(1000);
    expect((await marked.at(99_000)).firings).toEqual([]);
    put('_SUCCESS', 0, 3);
    await marked.at(100_000);
    expect(namesOf(await marked.at(110_000))).toEqual(['_SUCCESS']);
  });

  test('each: a firing for each file, as many as may wait; the others follow', async () => {
    const { put, context } = folderOf();
    const { at } = polled({ ...fields, each: true }, context as never);
    await at(0);
    for (let i = 0; i < 120; i++) put(`${i}.csv`, 1, 1);
    await at(1000);
    const first = await at(11_000, { waiting: 30 });
    expect(first.firings).toHaveLength(70);
    expect(first.firings.every(({ isAlone }) => isAlone)).toBe(true);
    expect(first.firings[0]?.facts?.file).toMatchObject({ name: '0.csv', path: '/in/0.csv', size: 1 });
    expect(first.next).toBe(12_000);
    const second = await at(12_000, { waiting: 0 });
    expect(second.firings).toHaveLength(50);
    expect(new Set([...first.firings, ...second.firings].map(({ key }) => key)).size).toBe(120);
  });

  test('a folder that is empty for a while, as one that is not mounted, makes nothing new', async () => {
    const { put, remove, context } = folderOf('a.csv', 'b.csv');
    const { at } = polled(fields, context as never);
    await at(0);
    for (const name of ['a.csv', 'b.csv']) remove(name);
    await at(20_000);
    for (const name of ['a.csv', 'b.csv']) put(name, 10, 1);
    await at(40_000);
    expect((await at(60_000)).firings).toEqual([]);
  });

  test('atLeast waits for more, and within for no longer than it says', async () => {
    const { put, context } = folderOf();
    const { at } = polled({ ...fields, atLeast: 3, within: '5m' }, context as never);
    await at(0);
    put('a.csv', 1, 1);
    await at(1000);
    expect((await at(200_000)).firings).toEqual([]);
    expect(namesOf(await at(302_000))).toEqual(['a.csv']);
  });
});
