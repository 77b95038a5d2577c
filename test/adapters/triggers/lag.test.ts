import { expect, test } from 'vitest';
import { polled } from './state.ts';

const kind = (name: string, watch: object) => ({
  sourceKinds: [{ kind: name, watch: async () => watch }] as never,
  sources: { a: { [name]: 'x', key: 'id' } } as never,
});

test('messages that are seen and start nothing yet are counted; those of a firing are not', async () => {
  let end = 5;
  const offsets = async () => [{ partition: 0, start: 0, end }];
  const { at } = polled({ topic: 'a', messages: 10, poll: '1s' }, kind('kafka', { offsets }));
  await at(0);
  expect((await at(1000)).left).toBe(0);
  end = 12;
  expect((await at(2000)).left).toBe(7);
  end = 15;
  const due = await at(3000);
  expect([due.firings.length, due.left]).toEqual([1, 0]);
});

test('messages that each start a run are counted until there is room for their runs', async () => {
  let end = 0;
  const offsets = async () => [{ partition: 0, start: 0, end }];
  const messages = async (_: unknown, ranges: readonly { start: number; end: number }[]) =>
    ranges.flatMap(({ start, end: until }) =>
      Array.from({ length: until - start }, (_, i) => ({ partition: 0, offset: start + i, value: '{}' })),
    );
  const { at } = polled({ topic: 'a', each: true, poll: '1s' }, kind('kafka', { offsets, messages }));
  await at(0);
  end = 130;
  const due = await at(1000, { waiting: 90 });
  expect([due.firings.length, due.left]).toEqual([10, 120]);
});

test('rows that are fewer than the trigger waits for are counted', async () => {
  let rows = 0;
  const newest = async () => ({ rows, newest: String(100 + rows), isBack: false });
  const { at } = polled({ table: 'a', column: 'id', rows: 10, poll: '1s' }, kind('postgres', { newest }));
  await at(0);
  expect((await at(1000)).left).toBe(0);
  rows = 4;
  expect((await at(2000)).left).toBe(4);
  rows = 10;
  const due = await at(3000);
  expect([due.firings.length, due.left]).toEqual([1, 0]);
});
