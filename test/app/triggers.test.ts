import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { everyTrigger } from '../../controller/adapters/triggers/every/driver.ts';
import { watchedPipelines } from '../../controller/app/pipelines.ts';
import { withSluice } from '../../controller/app/sluice.ts';
import { schedulerOf } from '../../controller/app/triggers.ts';
import { openPipeline } from '../../controller/app/wiring.ts';
import { doublingOf, objects, projectIn, registry } from './outside.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-triggers-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const fired = `${doublingOf('fired')}triggers: { door: { knock: 'mem://triggers' } }\n`;

test('a firing that several controllers see, repeatedly and after a restart, starts one run', async () => {
  const { project, loaded } = await openPipeline(projectIn(root, fired), registry);
  const failed: string[] = [];
  const round = (): Promise<string[]> =>
    withSluice(project, (sluice) => sluice.fire([loaded], (...trouble) => failed.push(trouble.join(': '))), registry);
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
      const ledger = await store.firings({ pipeline: 'fired', trigger: 'door' }, 10);
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
  const started = await withSluice(
    project,
    (sluice) => sluice.fire([loaded], (...trouble) => failed.push(trouble.join(': '))),
    registry,
  );
  expect(started).toHaveLength(1);
  expect(failed).toEqual(['failing.broken: there is no storage for ftp://nowhere']);
});

test('the scheduler logs a trigger that fails once, and when it works again', async () => {
  const lines: string[] = [];
  let trouble: string | undefined = 'away';
  const service = schedulerOf(
    async () => [],
    async (_all, failed) => {
      if (trouble !== undefined) failed('p.t', trouble);
      return trouble === undefined ? ['r1'] : [];
    },
    { log: (level, message, { run } = {}) => lines.push([level, message, run].join(' ').trim()) },
  );
  await service.work();
  await service.work();
  trouble = undefined;
  await service.work();
  expect(lines).toEqual([
    'info triggers: none',
    'warn trigger p.t: away',
    'info trigger p.t works again',
    'info started by a trigger r1',
  ]);
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
    const known = { seq: 0, armed: 5 * minute, now, cursor };
    const due = await everyTrigger.poll({ every }, known, undefined as never);
    ({ cursor } = due);
    return due.firings.map((firing) => firing.due / minute);
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

test('changed pipelines are reloaded; one with a problem keeps its last valid content, and is reported once', async () => {
  const { project } = await openPipeline(projectIn(root, doublingOf('watched')), registry);
  const folder = join(root, 'conf/pipelines');
  mkdirSync(folder);
  const problems: string[] = [];
  const current = watchedPipelines(project, registry, (problem) => problems.push(problem));
  const names = async () => (await current()).map(({ pipeline }) => pipeline.name);
  expect(await names()).toEqual([]);
  writeFileSync(join(folder, 'a.yaml'), doublingOf('first'));
  writeFileSync(join(folder, 'b.yml'), doublingOf('second'));
  writeFileSync(join(folder, 'notes.txt'), 'no pipeline');
  expect(await names()).toEqual(['first', 'second']);
  writeFileSync(join(folder, 'a.yaml'), 'name: first\nsources: 7\n');
  expect([await names(), await names()]).toEqual([
    ['first', 'second'],
    ['first', 'second'],
  ]);
  expect(problems).toEqual([expect.stringMatching(/a\.yaml:2.*sources/s)]);
  writeFileSync(join(folder, 'a.yaml'), doublingOf('other'));
  rmSync(join(folder, 'b.yml'));
  writeFileSync(join(folder, 'c.yaml'), doublingOf('other'));
  expect(await names()).toEqual(['other']);
  expect(problems[1]).toContain('other');
});
