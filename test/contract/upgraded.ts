import { expect } from 'vitest';
import { everyTrigger } from '../../controller/adapters/triggers/every/driver.ts';
import type { RunStore } from '../../controller/domain/ports/store.ts';

/** A store of the version before firings had outcomes: runs, some under way, and an interval with its ledger. */

const total = 1000;
const underWay = 40;
const minute = 60_000;
const armed = Date.parse('2026-03-01T00:00:00Z');
/** Ten minutes apart; the cursor says that so many have passed. */
const passed = 30;
const keyOf = (n: number): string => new Date(armed + n * 10 * minute).toISOString();
const runOf = (i: number): string => `r${String(i).padStart(4, '0')}`;
/** The firings began with the last runs. */
const firedFrom = total - passed;
const isUnderWay = (i: number): boolean => i > total - underWay;

type Insert = (table: string, row: Readonly<Record<string, string | number | null>>) => Promise<unknown> | unknown;

const eventsOf = (i: number) => {
  const n = i - firedFrom;
  const cause = n > 0 && { cause: { kind: 'every', trigger: 'often', key: keyOf(n), due: armed + n * 10 * minute } };
  return [
    { type: 'run-started', run: runOf(i), pipeline: { name: 'shop', steps: {} }, file: 'f', ...cause },
    ...(isUnderWay(i) ? [] : [{ type: 'run-ended', state: 'succeeded', reason: 'done' }]),
  ];
};

/** Fills the tables of before. `time` makes a value for a column of times. */
export async function fillBefore(insert: Insert, time: (ms: number) => string | number): Promise<void> {
  const project = 'p';
  for (let i = 1; i <= total; i++) {
    const events = eventsOf(i);
    const end = isUnderWay(i) ? null : i + 1;
    await insert('runs', {
      ...{ run: runOf(i), project, pipeline: 'shop', state: end === null ? 'pending' : 'succeeded', started: i },
      ...{ ended: end, closed: end === null ? null : time(end), seq: events.length, at: i + 1, token: 1 },
      owner: end === null && i % 2 === 0 ? 'controller-of-before' : null,
    });
    for (const [n, event] of events.entries())
      await insert('events', { project, run: runOf(i), seq: n + 1, at: i + n, body: JSON.stringify(event) });
  }
  const named = { project, pipeline: 'shop', trigger: 'often' };
  const cursor = JSON.stringify({ every: '10m', passed });
  await insert('triggers', { ...named, seq: passed, armed: time(armed), cursor });
  for (let n = 1; n <= passed; n++) {
    const due = armed + n * 10 * minute;
    await insert('firings', { ...named, key: keyOf(n), due, noted: time(due + 500), run: runOf(firedFrom + n) });
  }
}

/** All of it is there, and goes on. */
export async function expectUpgraded(store: RunStore): Promise<void> {
  const runs = await store.list({ limit: 2 * total });
  expect(runs.map(({ run }) => run)).toEqual(Array.from({ length: total }, (_, i) => runOf(total - i)));
  expect(runs.filter(({ state }) => state === 'succeeded')).toHaveLength(total - underWay);
  for (const i of [1, firedFrom, firedFrom + 1, total - underWay, total])
    expect((await store.history(runOf(i))).map(({ event }) => event)).toEqual(eventsOf(i));
  const orphans = (await store.orphaned(total)).map(({ run }) => run);
  expect(orphans.sort()).toEqual(Array.from({ length: underWay }, (_, i) => runOf(total - underWay + 1 + i)));
  await store.heartbeat('new', minute);
  const last = runOf(total);
  const lease = await store.claim(last, 'new');
  expect(lease && (await store.append(lease, 1, total, { events: [{ type: 'queue-left' }] }))).toMatchObject({
    seq: 2,
  });

  const name = { pipeline: 'shop', trigger: 'often' };
  const state = await store.trigger(name);
  // Runs of before may have begun to measure, so nothing joins them.
  expect(state).toMatchObject({ armed, seq: passed, generation: 1, cursor: { every: '10m', passed }, waiting: 0 });
  const rows = await store.firings({ ...name, limit: total });
  expect(rows.map(({ key, run, outcome, generation, count }) => [key, run, outcome, generation, count])).toEqual(
    Array.from({ length: passed }, (_, i) => [keyOf(passed - i), runOf(total - i), 'started', 1, 1]),
  );
  expect(runs.find(({ run }) => run === last)).toMatchObject({ trigger: 'often' });
  expect(runs.find(({ run }) => run === runOf(1))?.trigger).toBeUndefined();

  const trigger = everyTrigger.spec.parse({ every: '10m', missed: 'all' }) as never;
  const now = armed + (passed + 2) * 10 * minute + 1;
  const due = await everyTrigger.poll(trigger, { ...state, now }, {} as never);
  expect(due.firings.map(({ key }) => key)).toEqual([keyOf(passed + 1), keyOf(passed + 2)]);
  const firings = [keyOf(passed), ...due.firings.map(({ key }) => key)].map((key) => ({
    ...{ key, due: now },
    as: { start: { run: `new-${key}`, pipeline: 'shop', at: now, events: [] } },
  }));
  const entered = await store.fire(name, state, firings, due.cursor);
  expect(entered?.map(({ isNew, outcome }) => [isNew, outcome])).toEqual([
    [false, 'started'],
    [true, 'started'],
    [true, 'started'],
  ]);
  expect((await store.trigger(name)).waiting).toBe(2);
}
