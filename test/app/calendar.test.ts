import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { everyTrigger } from '../../controller/adapters/triggers/every/driver.ts';
import { calendarOf } from '../../controller/app/triggers/calendar.ts';
import type { NamedTrigger } from '../../controller/app/triggers/look.ts';
import { inTurn } from '../../controller/lib/in-turn.ts';
import { memoryStore } from '../fakes/store.ts';

const minute = 60_000;
const now = Date.parse('2026-11-01T00:00:00Z');
const triggerOf = (i: number): NamedTrigger =>
  ({
    ...{ name: 'often', driver: everyTrigger, loaded: { pipeline: { name: `p${i}` } } },
    trigger: { every: '1m', from: new Date(now).toISOString() },
  }) as unknown as NamedTrigger;

test('a calendar of very many instants has the earliest ones, and lets other work go on meanwhile', async () => {
  const store = memoryStore(() => now);
  const all = Array.from({ length: 200 }, (_, i) => triggerOf(i));
  for (const { loaded } of all) await store.trigger({ pipeline: loaded.pipeline.name, trigger: 'often' });
  let beats = 0;
  let isOver = false;
  const others = (async () => {
    for (; !isOver; beats++) await setImmediate();
  })();
  const range = { from: now, to: now + 30 * 86_400_000, pipelines: ['*'] };
  const { items, isComplete } = await calendarOf(store, all, range);
  isOver = true;
  await others;
  expect([items.length, isComplete]).toEqual([2000, false]);
  // Two thousand of two hundred triggers are those of ten minutes.
  const dues = items.map(({ due }) => Date.parse(due ?? ''));
  expect(dues).toEqual(dues.toSorted((a, b) => a - b));
  expect(Math.max(...dues) - Math.min(...dues)).toBe(9 * minute);
  expect(new Set(items.map(({ pipeline }) => pipeline)).size).toBe(200);
  expect(beats).toBeGreaterThanOrEqual(all.length);
});

test('callers in turn wait for each other, also for one that fails', async () => {
  let busy = 0;
  const work = inTurn(async (n: number) => {
    busy += 1;
    expect(busy).toBe(1);
    await setImmediate();
    busy -= 1;
    if (n === 2) throw new Error('two');
    return n;
  });
  const done = await Promise.allSettled([1, 2, 3].map((n) => work(n)));
  expect(done.map((each) => (each.status === 'fulfilled' ? each.value : 'failed'))).toEqual([1, 'failed', 3]);
});
