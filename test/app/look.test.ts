import { expect, test } from 'vitest';
import type { TriggerDriver } from '../../controller/adapters/drivers.ts';
import { everyTrigger } from '../../controller/adapters/triggers/every/driver.ts';
import { filesTrigger } from '../../controller/adapters/triggers/files/driver.ts';
import { scheduleTrigger } from '../../controller/adapters/triggers/schedule/driver.ts';
import { webhookTrigger } from '../../controller/adapters/triggers/webhook/driver.ts';
import { skipDue } from '../../controller/app/triggers/control.ts';
import { explain } from '../../controller/app/triggers/explain.ts';
import { fireByHand } from '../../controller/app/triggers/fire.ts';
import { look, type NamedTrigger } from '../../controller/app/triggers/look.ts';
import { triggerDocuments } from '../../controller/app/triggers/overview.ts';
import { receiveRequest } from '../../controller/app/triggers/receive.ts';
import type { LoadedPipeline } from '../../controller/pipeline/loader.ts';
import { triggerOf } from '../adapters/triggers/state.ts';
import { memoryStore } from '../fakes/store.ts';
import { pipelinesOf, signedBy } from '../server/world.ts';

const minute = 60_000;
const start = Date.parse('2026-03-01T00:00:00Z');
const name = { pipeline: 'p', trigger: 't' };

/** A trigger that fires for each of some keys, once. */
const listed = (kind: string, keys: readonly string[]): TriggerDriver => ({
  ...{ kind, spec: undefined as never, describe: () => kind },
  async poll(_trigger, { cursor }) {
    const { done = 0, ...foreign } = (cursor ?? {}) as { done?: number };
    if (Object.keys(foreign).length > 0) throw new Error(`the cursor is ${JSON.stringify(cursor)}`);
    return {
      firings: keys.slice(done).map((key) => ({ key, due: start })),
      cursor: { done: keys.length },
      next: undefined,
    };
  },
});

function world() {
  let now = start;
  const store = memoryStore(() => now);
  const of = (
    driver: TriggerDriver,
    { trigger = {}, ...more }: { trigger?: object } & Partial<LoadedPipeline> = {},
  ) => {
    const loaded = { file: 'p.yaml', text: '', pipeline: { name: 'p', sources: {} }, ...more };
    return { loaded, name: 't', trigger, driver } as unknown as NamedTrigger;
  };
  const lookAt = async (trigger: NamedTrigger) =>
    look(store, trigger, await store.trigger(name), { memory: new Map() } as never);
  const end = async (run: string, state: 'failed' | 'succeeded') => {
    await store.heartbeat('engine', 9 * minute);
    const lease = await store.claim(run, 'engine');
    if (!lease) throw new Error('no lease');
    const events = [{ type: 'run-ended', state, reason: 'why' } as never];
    await store.append(lease, (await store.history(run)).length, now, {
      events,
      summary: { state, ended: true } as never,
    });
  };
  const rows = async () => [...(await store.firings({ ...name, limit: 99 }))].reverse();
  const pass = (ms: number) => {
    now += ms;
  };
  return { store, of, lookAt, end, rows, pass };
}

test('skip takes files along that have not settled', async () => {
  const { store } = world();
  const files = [{ uri: '/in/old.csv', size: 1, modifiedMs: 1, version: '1' }];
  const csv = { kind: 'csv', watch: async () => ({ files: async () => [...files] }) };
  const context = { sourceKinds: [csv], memory: new Map() } as never;
  const pipeline = { name: 'p', sources: { a: { csv: 'in/*.csv' } } };
  const trigger = { files: 'a', settle: '30s', ignore: [], atLeast: 1, each: false, poll: '10s' };
  const of = { loaded: { file: 'p.yaml', text: '', pipeline }, name: 't', trigger, driver: filesTrigger } as never;
  await look(store, of, await store.trigger(name), context);
  files.push({ uri: '/in/new.csv', size: 1, modifiedMs: 2, version: '2' });
  expect((await look(store, of, await store.trigger(name), context))?.entered).toEqual([]);
  expect(await skipDue(store, of, 'anna', context)).toMatchObject([{ outcome: 'skipped', reason: 'skipped by anna' }]);
  expect((await store.triggers())[0]?.waiting).toBe(0);
});

test('a row with jitter is found by its instant, which has no second run by hand', async () => {
  const { store, of, rows, pass } = world();
  const trigger = triggerOf({ schedule: '0 6 * * *', zone: 'UTC', jitter: '30m' });
  const daily = of(scheduleTrigger, { trigger });
  await store.trigger(name);
  pass(7 * 60 * minute);
  await look(store, daily, await store.trigger(name), { memory: new Map(), ...name } as never);
  const [row] = await rows();
  expect(row).toMatchObject({ key: '2026-03-01T06:00 UTC', outcome: 'started' });
  expect(row?.due).toBeGreaterThan(start + 6 * 60 * minute);
  for (const asked of ['2026-03-01T06:00', '2026-03-01T06:00:00Z', '2026-03-01T08:00:00+02:00'])
    expect((await explain(store, daily, asked)).answer).toContain(`it started run ${row?.run}`);
  const range = { from: start, to: start + 6.5 * 60 * minute };
  const { items } = await fireByHand(store, daily, { range, by: 'anna' });
  expect(items).toMatchObject([{ key: '2026-03-01T06:00 UTC', action: 'leave' }]);
});

test('a server of the version before, which knows another cursor, neither loses nor doubles an instant', async () => {
  const { store, of, lookAt, rows, pass } = world();
  const every = of(everyTrigger, { trigger: everyTrigger.spec.parse({ every: '1m' }) as object });
  /** The poll of that version: of what has passed, the last one fires. */
  const former = async (): Promise<void> => {
    const { armed, now, cursor, generation, seq } = await store.trigger(name);
    const passed = Math.floor((now - armed) / minute);
    const { every: was, passed: before } = (cursor ?? { every: '1m', passed: 0 }) as { every: string; passed: number };
    if (was === '1m' && passed <= before) return;
    const due = armed + passed * minute;
    const run = `former-${passed}`;
    const start = { run, pipeline: 'p', at: now, events: [{ type: 'run-started', run } as never] };
    const firings = was === '1m' ? [{ key: new Date(due).toISOString(), due, as: { start } }] : [];
    await store.fire(name, { generation, seq }, firings, { every: '1m', passed });
  };
  const servers = [former, () => lookAt(every)];
  await store.trigger(name);
  for (let i = 1; i <= 40; i++) {
    pass(minute);
    for (const at of i % 4 < 2 ? [0, 1] : [1, 0]) await servers[at]?.();
  }
  expect((await rows()).map(({ key }) => key)).toEqual(
    Array.from({ length: 40 }, (_, i) => new Date(start + (i + 1) * minute).toISOString()),
  );
  expect(new Set((await rows()).map(({ outcome }) => outcome))).toEqual(new Set(['started', 'joined']));
});

test('the state that a look knows is the one that the store has', async () => {
  const { store, of, lookAt, pass, end, rows } = world();
  const every = of(everyTrigger, { trigger: everyTrigger.spec.parse({ every: '1m', missed: 'all' }) as object });
  await store.trigger(name);
  await store.heartbeat('engine', 9 * minute);
  for (const minutes of [1, 1, 120]) {
    pass(minutes * minute);
    const looked = await lookAt(every);
    expect(looked?.known).toEqual({ ...(await store.trigger(name)), now: looked?.known?.now });
    const [last] = (await rows()).slice(-1);
    if (minutes === 1 && last?.run) await end(last.run, 'succeeded');
  }
  const other = of(listed('listed', ['a', 'b']));
  const joined = await lookAt(other);
  expect(joined?.known).toEqual({ ...(await store.trigger(name)), now: joined?.known?.now });
  await store.pause(name, { by: 'anna' });
  expect((await lookAt(other))?.known).toBeUndefined();
});

test('nothing joins a run of a pipeline that uses what started it', async () => {
  for (const usesTrigger of [false, true]) {
    const { of, lookAt, rows } = world();
    await lookAt(of(listed('list', ['a']), { usesTrigger }));
    await lookAt(of(listed('list', ['a', 'b']), { usesTrigger }));
    expect((await rows()).map(({ outcome }) => outcome)).toEqual(['started', usesTrigger ? 'started' : 'joined']);
  }
});

test('a trigger that becomes one of another kind begins anew', async () => {
  const { of, lookAt, rows, pass } = world();
  await lookAt(of(listed('list', ['a'])));
  const every = of(everyTrigger, { trigger: { every: '10m', missed: 'last', within: '24h' } });
  await lookAt(every);
  pass(15 * minute);
  await lookAt(every);
  await lookAt(of(listed('table', ['a', 'b'])));
  expect((await rows()).map(({ key, outcome }) => [key, outcome])).toEqual([
    ['a', 'started'],
    ['2026-03-01T00:10:00.000Z', 'joined'],
    ['b', 'joined'],
  ]);
});

test('a long key is bounded, and long keys that begin alike differ', async () => {
  const { of, lookAt, rows } = world();
  const long = 'x'.repeat(5000);
  await lookAt(of(listed('list', [`${long}1`, `${long}2`])));
  const keys = (await rows()).map(({ key }) => key);
  expect(new Set(keys).size).toBe(2);
  for (const key of keys) expect(key.length).toBeLessThan(500);
});

test('what has come while a trigger was failing starts a run once it is resumed', async () => {
  const { store, of, lookAt, rows, end, pass } = world();
  const failing = (keys: string[]) => of(listed('list', keys), { trigger: { pauseAfter: 1 } });
  await lookAt(failing(['a']));
  await end((await rows())[0]?.run ?? '', 'failed');
  await lookAt(failing(['a', 'b']));
  await lookAt(failing(['a', 'b', 'c']));
  expect(await rows()).toHaveLength(1);
  expect((await store.trigger(name)).pauses).toMatchObject([{ by: 'sluice', reason: '1 failures in a row' }]);
  pass(minute);
  await store.resume(name);
  await lookAt(failing(['a', 'b', 'c']));
  expect((await rows()).map(({ key, outcome }) => [key, outcome])).toEqual([
    ['a', 'started'],
    ['b', 'started'],
    ['c', 'joined'],
  ]);
});

test('a webhook whose runs fail holds the requests that follow; a skip drops them', async () => {
  const { store, end } = world();
  const [loaded] = await pipelinesOf('alpha');
  const { pipeline } = loaded as LoadedPipeline;
  const triggers = { hook: { ...pipeline.triggers?.hook, pauseAfter: 1 } };
  const changed = { ...(loaded as LoadedPipeline), pipeline: { ...pipeline, triggers } };
  const hook = { pipeline: 'alpha', trigger: 'hook' };
  const send = (body: string) => {
    const request = { headers: signedBy(body).headers, body: Buffer.from(body), now: start };
    const watched = [{ name: 'alpha', file: 'f', version: '1', loaded: changed, problem: undefined }];
    return receiveRequest(store, watched, hook, request);
  };
  const { run = '', outcome } = await send('1');
  expect(outcome).toBe('started');
  await end(run, 'failed');
  expect(await send('2')).toMatchObject({ outcome: 'held', reason: expect.stringContaining('1 failures in a row') });
  const of = {
    loaded: changed,
    name: 'hook',
    trigger: triggers.hook,
    driver: webhookTrigger,
  } as unknown as NamedTrigger;
  expect(await skipDue(store, of, 'anna', {} as never)).toMatchObject([
    { outcome: 'skipped', reason: 'skipped by anna' },
  ]);
  await store.resume(hook);
  await look(store, of, await store.trigger(hook), { memory: new Map() } as never);
  expect((await store.firings({ ...hook, limit: 9 })).map((each) => each.outcome)).toEqual(['skipped', 'started']);
});

test('a list says how many instants are owed and since when; jitter is not late', async () => {
  const { store, of, lookAt, pass } = world();
  const listedOf = async (each: NamedTrigger) => {
    const [document] = triggerDocuments(await store.triggers(), [each]);
    return { owed: document?.owed, since: document?.owedSince };
  };
  const daily = of(scheduleTrigger, { trigger: triggerOf({ schedule: '0 6 * * *', zone: 'UTC', jitter: '30m' }) });
  const context = { memory: new Map(), ...name } as never;
  expect(await listedOf(daily)).toEqual({ owed: 0, since: null });
  await look(store, daily, await store.trigger(name), context);
  pass(6.4 * 60 * minute);
  expect(await listedOf(daily)).toEqual({ owed: 0, since: null });
  pass(48 * 60 * minute);
  expect(await listedOf(daily)).toEqual({ owed: 2, since: '2026-03-01T06:30:00.000Z' });
  pass(0.2 * 60 * minute);
  expect(await listedOf(daily)).toEqual({ owed: 3, since: '2026-03-01T06:30:00.000Z' });
  await store.pause(name, { by: 'anna' });
  expect(await listedOf(daily)).toEqual({ owed: 0, since: null });
  await store.resume(name);
  await look(store, daily, await store.trigger(name), context);
  expect(await listedOf(daily)).toEqual({ owed: 0, since: null });
  expect(await lookAt(daily)).toMatchObject({ entered: [] });
});
