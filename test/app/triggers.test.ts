import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { everyTrigger } from '../../controller/adapters/triggers/every/driver.ts';
import { heldBack } from '../../controller/app/pipelines/agreement.ts';
import { type WatchedPipeline, watchedPipelines } from '../../controller/app/pipelines/watched.ts';
import { builtIn } from '../../controller/app/registry.ts';
import { withSluice } from '../../controller/app/sluice.ts';
import { schedulerService } from '../../controller/app/triggers/service.ts';
import { openPipeline } from '../../controller/app/wiring.ts';
import type { Server } from '../../controller/domain/ports/servers.ts';
import type { TriggerState } from '../../controller/domain/ports/triggers.ts';
import type { Logger } from '../../controller/lib/logger.ts';
import { memoryStore } from '../fakes/store.ts';
import { firedBy } from './fired-by.ts';
import { doublingOf, objects, projectIn, registry } from './outside.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-triggers-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const fired = `${doublingOf('fired')}triggers: { door: { knock: 'mem://triggers' } }\n`;

test('a firing that several controllers see, repeatedly and after a restart, starts one run', async () => {
  const { project, loaded } = await openPipeline(projectIn(root, fired), registry);
  const failed: string[] = [];
  const round = () => withSluice(project, (_sluice, store) => firedBy(project, store, loaded, failed), registry);
  const started: string[] = [];
  for (let i = 0; i < 5; i++) {
    await objects.write(`mem://triggers/${i}`, '');
    started.push(...(await Promise.all([round(), round(), round()])).flat());
  }
  expect(failed).toEqual([]);
  expect(started).toHaveLength(5);
  await withSluice(
    project,
    async (_site, store) => {
      const ledger = await store.firings({ pipeline: 'fired', trigger: 'door', limit: 10 });
      expect(ledger.map(({ key }) => key)).toEqual([4, 3, 2, 1, 0].map((i) => `mem://triggers/${i}`));
      expect(new Set(ledger.map(({ run }) => run))).toEqual(new Set(started));
    },
    registry,
  );
});

test('a failing trigger is reported, and the others fire', async () => {
  const text = `${doublingOf('failing')}triggers: { broken: { knock: 'ftp://nowhere' }, good: { knock: 'mem://good' } }\n`;
  const { project, loaded } = await openPipeline(projectIn(root, text), registry);
  await objects.write('mem://good/x', '');
  const failed: string[] = [];
  await withSluice(
    project,
    async (_sluice, store) => {
      expect(await firedBy(project, store, loaded, failed)).toHaveLength(1);
      const problem = (await store.trigger({ pipeline: 'failing', trigger: 'broken' })).problem;
      expect(problem).toBe('there is no storage for ftp://nowhere');
    },
    registry,
  );
  expect(failed).toEqual(['broken: there is no storage for ftp://nowhere']);
});

test('an idempotency key gives one run for any number of starts', async () => {
  const { project, loaded } = await openPipeline(projectIn(root, doublingOf('once')), registry);
  const begin = () =>
    withSluice(
      project,
      async (sluice) => {
        const begun = await sluice.startRun(loaded, { idempotencyKey: 'order 7' });
        return { run: begun.run, state: await sluice.followToCompletion(begun, () => undefined) };
      },
      registry,
    );
  const all = [await begin(), ...(await Promise.all([begin(), begin()]))];
  expect(new Set(all.map(({ run }) => run)).size).toBe(1);
  expect(all.map(({ state }) => state.ended?.state)).toEqual(['succeeded', 'succeeded', 'succeeded']);
  expect(all[0]?.state.cause).toMatchObject({ kind: 'command', key: 'order 7' });
  const other = await openPipeline(projectIn(root, doublingOf('another')), registry);
  await expect(
    withSluice(project, (sluice) => sluice.startRun(other.loaded, { idempotencyKey: 'order 7' }), registry),
  ).rejects.toThrow(/"order 7" has started run .* of pipeline once/);
});

test('intervals are counted from when the trigger was first seen; of missed intervals only the last one fires', async () => {
  const minute = 60_000;
  let cursor: unknown;
  const at = async (now: number, every = '10m') => {
    const due = await everyTrigger.poll(
      { every, missed: 'last', within: '24h' },
      stateAt(5 * minute, now, cursor),
      undefined as never,
    );
    ({ cursor } = due);
    return due.firings.filter(({ instead }) => !instead).map((firing) => firing.due / minute);
  };
  expect(await at(5 * minute)).toEqual([]);
  expect(await at(14 * minute)).toEqual([]);
  expect(await at(15 * minute)).toEqual([15]);
  expect(await at(24 * minute)).toEqual([]);
  expect(await at(57 * minute)).toEqual([55]);
  expect(await at(58 * minute)).toEqual([]);
  // A clock that moves back fires nothing again; a changed interval is counted from now on.
  expect(await at(30 * minute)).toEqual([]);
  expect(await at(65 * minute)).toEqual([65]);
  expect(await at(66 * minute, '30m')).toEqual([]);
  expect(await at(94 * minute, '30m')).toEqual([]);
  expect(await at(95 * minute, '30m')).toEqual([95]);
});

/** The state of a trigger that was never paused. */
const stateAt = (armed: number, now: number, cursor: unknown): TriggerState => ({
  ...{ seq: 0, generation: 1, armed, now, cursor, pauses: [], resumed: undefined, waiting: 0, problem: undefined },
});

test('a changed calendar is reloaded', async () => {
  const { project } = await openPipeline(projectIn(root, doublingOf('calendars')), registry);
  const folder = join(root, 'conf/pipelines');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(root, 'days.yaml'), 'holidays: [2026-01-01]\n');
  const daily = 'triggers: { daily: { schedule: "@daily", zone: UTC, calendar: { file: days.yaml } } }';
  writeFileSync(join(folder, 'calendars.yaml'), `${doublingOf('calendars')}\n${daily}\n`);
  const current = watchedPipelines(project, { ...registry, triggers: builtIn.triggers }, memoryStore());
  const versions = async () => (await current()).map(({ version, problem }) => problem ?? version);
  const before = await versions();
  expect(await versions()).toEqual(before);
  writeFileSync(join(root, 'days.yaml'), 'holidays: [2026-01-01, 2026-01-02]\n');
  expect(await versions()).not.toEqual(before);
  // A link is followed to where conf/ allows files, and nowhere else.
  const shared = mkdtempSync(join(tmpdir(), 'sluice-days-'));
  writeFileSync(join(shared, 'days.yaml'), 'holidays: [2026-01-03]\n');
  rmSync(join(root, 'days.yaml'));
  symlinkSync(join(shared, 'days.yaml'), join(root, 'days.yaml'));
  expect(await versions()).toEqual([expect.stringContaining('days.yaml lies outside the project')]);
  const allow = { paths: [shared], sparkConf: [] };
  const allowing = { ...project, connections: { ...project.connections, allow } };
  const all = { ...registry, triggers: builtIn.triggers };
  const [found] = await watchedPipelines(allowing, all, memoryStore())();
  expect(found?.loaded?.pipeline.triggers?.daily).toMatchObject({
    calendar: { content: { holidays: ['2026-01-03'] } },
  });
  rmSync(join(root, 'days.yaml'));
  rmSync(shared, { recursive: true });
  writeFileSync(join(root, 'days.yaml'), 'holidays: 7\n');
  expect(await versions()).toEqual([
    expect.stringMatching(/calendars\.yaml:\d+:\d+ triggers\.daily\.calendar\.file: .*days/),
  ]);
  rmSync(folder, { recursive: true });
});

test('changed pipelines and SQL files are reloaded; one with a problem keeps its last valid content', async () => {
  const { project } = await openPipeline(projectIn(root, doublingOf('watched')), registry);
  const folder = join(root, 'conf/pipelines');
  mkdirSync(folder);
  const store = memoryStore();
  const current = watchedPipelines(project, registry, store);
  const served = async (from = current) => (await from()).flatMap(({ loaded }) => loaded?.pipeline.name ?? []);
  const problems = async () => (await current()).flatMap(({ problem }) => problem ?? []);
  expect(await served()).toEqual([]);
  writeFileSync(join(folder, 'a.yaml'), doublingOf('first'));
  writeFileSync(join(folder, 'b.yml'), doublingOf('second'));
  writeFileSync(join(folder, 'notes.txt'), 'no pipeline');
  expect(await served()).toEqual(['first', 'second']);
  const [before] = await current();
  writeFileSync(join(root, 'doubled.sql'), 'CREATE TEMP VIEW doubled AS SELECT n, 3 * n AS twice FROM counted');
  const [after] = await current();
  expect(after?.version).not.toBe(before?.version);
  writeFileSync(join(root, 'doubled.sql'), 'CREATE TEMP VIEW doubled AS SELECT n, date AS twice FROM counted, trigger');
  expect([after, (await current())[0]].map((each) => each?.loaded?.usesTrigger)).toEqual([false, true]);
  writeFileSync(join(root, 'doubled.sql'), 'CREATE TEMP VIEW doubled AS SELECT n, 3 * n AS twice FROM counted');
  expect(await current()).toMatchObject([{ version: after?.version }, {}]);
  writeFileSync(join(folder, 'a.yaml'), 'name: first\nsources: 7\n');
  expect(await served()).toEqual(['first', 'second']);
  expect((await current())[0]?.version).toBe(after?.version);
  expect(await problems()).toEqual([expect.stringMatching(/a\.yaml:2.*sources/s)]);
  // Runs read the SQL as it is now.
  writeFileSync(join(root, 'doubled.sql'), 'CREATE TEMP VIEW doubled AS SELECT n, date AS twice FROM counted, trigger');
  writeFileSync(join(folder, 'a.yaml'), 'name: first\nsources: 8\n');
  expect((await current())[0]?.loaded?.usesTrigger).toBe(true);
  writeFileSync(join(root, 'doubled.sql'), 'CREATE TEMP VIEW doubled AS SELECT n, 3 * n AS twice FROM counted');
  // A process that starts with the broken file has its last valid content from the store.
  expect(await served(watchedPipelines(project, registry, store))).toEqual(['first', 'second']);
  expect(await served(watchedPipelines(project, registry, memoryStore()))).toEqual(['second']);
  writeFileSync(join(folder, 'a.yaml'), doublingOf('other'));
  rmSync(join(folder, 'b.yml'));
  writeFileSync(join(folder, 'c.yaml'), doublingOf('other'));
  expect(await served()).toEqual(['other']);
  expect(await problems()).toEqual(['conf/pipelines/a.yaml has a pipeline other already']);
});

test('the servers of the highest release fire the triggers of a pipeline, when they have the same content', () => {
  const server = (owner: string, release: string, version?: string): Server => {
    const pipelines = version === undefined ? {} : { p: { version, file: 'p.yaml' } };
    return { owner, info: { release, version: '', node: '', tzdata: '', services: [], pipelines } };
  };
  const held = (me: Server, ...others: Server[]) => heldBack('p', me, [me, ...others]);
  expect(held(server('a', '1', 'x'))).toBeUndefined();
  expect(held(server('a', '1', 'x'), server('b', '1', 'x'), server('c', '1'))).toBeUndefined();
  expect(held(server('a', '1', 'x'), server('b', '1', 'y'))).toMatchObject({ isProblem: true });
  expect(held(server('a', '1.9', 'x'), server('b', '1.10', 'y'))).toMatchObject({ isProblem: false });
  expect(held(server('a', '1.10', 'x'), server('b', '1.9', 'y'))).toBeUndefined();
  expect(held(server('a', '2', 'x'), server('b', '1', 'y'), server('c', '2', 'x'))).toBeUndefined();
});

test('the scheduler service logs problems of files and disagreements when they begin and end', async () => {
  const lines: string[] = [];
  const logger: Logger = { log: (level, message) => lines.push(`${level} ${message}`) };
  const store = memoryStore();
  const watched = { name: 'p', file: 'p.yaml', version: 'x', loaded: undefined, problem: undefined };
  let now: WatchedPipeline[] = [watched];
  const { work } = schedulerService({
    ...{
      pipelines: async () => now,
      store,
      owner: () => 'me',
      monotonic: () => Date.now(),
      logger,
      serves: () => ({ services: [] }),
    },
    scheduler: { tick: async () => undefined } as never,
  });
  await store.heartbeat('me', 60_000);
  await store.heartbeat('other', 60_000);
  await work();
  const info = { release: '0', version: '', node: '', tzdata: '', services: [] };
  await store.announce({ owner: 'other', info: { ...info, pipelines: { p: { version: 'y', file: 'p.yaml' } } } });
  now = [{ ...watched, problem: 'p.yaml:1: no' }];
  await work();
  await work();
  await store.expire('other');
  now = [watched];
  await work();
  expect(lines).toEqual([
    'info triggers: none',
    'warn p.yaml:1: no',
    expect.stringMatching(/^warn the triggers of p are held: servers disagree about p: y at other, x here/),
    'info p.yaml is valid again',
    'info the triggers of p fire',
  ]);
});
