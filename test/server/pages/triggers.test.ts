import { expect, test } from 'vitest';
import { memoryStores } from '../../fakes/store.ts';
import { fakeApi, finished, pipelinesOf } from '../world.ts';
import { browser, form } from './browser.ts';
import { textOf } from './seen.ts';

const path = '/pipelines/alpha/triggers/nightly';

/** The overview's part about what needs a person. */
const needs = (page: string): string => /<section id="needs".*?<\/section>/s.exec(page)?.[0] ?? '';

test('a trigger is paused, resumed, skipped and fired by forms, and each has a notice', async () => {
  const { visit, server, enter } = await browser({});
  const act = async (verb: string, fields: Record<string, string> = {}) => {
    const answer = await visit(`${path}:${verb}`, form(fields));
    return [answer.status, answer.headers.get('location')] as const;
  };
  expect(await act('pause', { reason: 'vendor <outage>' })).toEqual([303, `${path}?notice=paused`]);
  expect((await act('pause'))[0]).toBe(422);
  const page = await (await visit(`${path}?notice=paused`)).text();
  expect(page).toContain('The trigger is paused.');
  expect(page).toContain('vendor &lt;outage&gt;');
  expect(page).toContain(`action="${path}:resume"`);
  expect(needs(await (await visit('/')).text())).toContain('vendor &lt;outage&gt;');
  expect(await act('resume')).toEqual([303, `${path}?notice=unpaused`]);
  expect(needs(await (await visit('/')).text())).toContain('Nothing needs a person.');
  expect(await act('skip')).toEqual([303, `${path}?notice=skipped`]);
  const [status, location] = await act('fire');
  expect([status, location]).toEqual([303, expect.stringMatching(/^\/runs\/[\w-]+\?notice=fired$/)]);
  expect(await (await visit(location ?? '')).text()).toContain('nightly');
  expect((await visit(`${path}:pause`, form({ reason: 'x'.repeat(201) }))).status).toBe(400);
  expect((await visit(`${path}:fire`, form({ other: '1' }))).status).toBe(400);
  expect((await visit('/pipelines/alpha/triggers/none:fire', form({}))).status).toBe(404);
  await enter(await server.token(['read']));
  expect((await act('fire'))[0]).toBe(403);
  expect(await (await visit(path)).text()).not.toContain(':fire"');
});

test('a month has each instant of a trigger on its day', async () => {
  const now = Date.UTC(2026, 10, 10, 12);
  const { visit } = await browser({ more: { now: () => now } });
  const month = async (query: string) => {
    const page = await (await visit(`${path}${query}`)).text();
    const days = [...page.matchAll(/<time datetime="(\d{4}-\d\d-\d\d)" data-date>/g)].map(([, day]) => day);
    return { page, days, instants: page.match(/03:00<span class="unseen">/g)?.length ?? 0 };
  };
  const next = await month('?month=2031-02');
  expect([next.days.length, next.days[0], next.days.at(-1)]).toEqual([28, '2031-02-01', '2031-02-28']);
  // At 06:00 in Moscow.
  expect(next.instants).toBe(28);
  expect(next.page).toContain('href="/pipelines/alpha/triggers/nightly?month=2031-01"');
  // The first of February is a Saturday.
  expect(/<tbody><tr>(.*?)<time/s.exec(next.page)?.[1]).toBe(`${'<td></td>'.repeat(5)}<td>`);
  expect((await month('?month=2028-02')).days.length).toBe(29);
  expect((await month('')).days[0]).toBe('2026-11-01');
  for (const wrong of ['2026-13', '2026-1', '0000-01', 'x'])
    expect((await visit(`${path}?month=${wrong}`)).status).toBe(400);
  // A webhook has no instants.
  expect(await (await visit('/pipelines/alpha/triggers/hook')).text()).not.toContain('class="month"');
});

test('the calendar has the instants of all triggers of pipelines that a token sees', async () => {
  const { visit, server, enter } = await browser();
  const shown = async (month: string) => {
    const page = await textOf(visit(`/calendar?month=${month}`));
    return {
      page,
      alpha: page.match(/alpha nightly/g)?.length ?? 0,
      beta: page.match(/beta nightly/g)?.length ?? 0,
    };
  };
  expect(await shown('2031-02')).toMatchObject({ alpha: 28, beta: 28 });
  expect((await shown('2031-02')).page).toContain('href="/calendar?month=2031-03"');
  expect(await textOf(visit('/triggers'))).toContain('href="/calendar"');
  expect((await visit('/calendar?month=2026-13')).status).toBe(400);
  // A row of a trigger that is in no file any more has no page.
  const gone = { pipeline: 'alpha', trigger: 'gone' };
  const { generation } = await server.store.trigger(gone);
  const due = Date.UTC(2024, 4, 5);
  await server.store.fire(gone, { generation }, [{ key: 'k', due, as: { outcome: 'skipped', reason: 'x' } } as never]);
  const past = (await shown('2024-05')).page;
  expect(past).toContain('alpha gone');
  expect(past).not.toContain('triggers/gone');
  await enter(await server.token(['read'], ['bet*']));
  expect(await shown('2031-02')).toMatchObject({ alpha: 0, beta: 28 });
  expect((await shown('2024-05')).page).not.toContain('gone');
});

test('a range is shown before it is fired, and nothing starts by looking', async () => {
  const { visit, server, enter } = await browser();
  const day = (before: number) => new Date(Date.now() - before * 86_400_000).toISOString().slice(0, 10);
  const range = { from: `${day(3)}T00:00`, to: `${day(1)}T00:00` };
  const query = new URLSearchParams(range).toString();
  expect(await textOf(visit(path))).toContain(`action="${path}/range"`);
  const page = await textOf(visit(`${path}/range?${query}&only=missing`));
  expect(page).toContain('2 runs would start');
  expect(page).toContain('Start 2 runs');
  expect(page).toContain(`name="from" value="${range.from}"`);
  expect(await server.store.list({ limit: 9 })).toEqual([]);
  expect(await textOf(visit(`${path}/range`))).not.toContain('runs would start');
  const fired = await visit(`${path}:fire`, form({ ...range, only: 'missing' }));
  expect([fired.status, fired.headers.get('location')]).toEqual([303, `${path}?notice=fired`]);
  expect(await server.store.list({ limit: 9 })).toHaveLength(2);
  const again = await textOf(visit(`${path}/range?${query}`));
  expect(again).toContain('0 runs would start, 2 instants');
  expect(again).not.toContain(':fire"');
  for (const wrong of ['from=x&to=y', 'from=2026-13-01T00:00&to=2026-12-01T00:00', `${query}&only=none`])
    expect((await visit(`${path}/range?${wrong}`)).status, wrong).toBe(400);
  expect((await visit(`${path}:fire`, form({ from: range.from }))).status).toBe(400);
  expect((await visit(`${path}/range?from=2020-01-01T00:00&to=2026-01-01T00:00`)).status).toBe(422);
  await enter(await server.token(['read']));
  expect((await visit(`${path}/range?${query}`)).status).toBe(403);
  expect(await textOf(visit(path))).not.toContain('/range"');
  await enter(await server.token(['read', 'triggers:write'], ['bet*']));
  expect((await visit(`${path}/range?${query}`)).status).toBe(404);
  expect((await visit(`${path}:reset`, form({}))).status).toBe(404);
});

test('a reset is asked twice, and begins a generation', async () => {
  const { visit, server } = await browser();
  const page = await textOf(visit(path));
  expect(page).toMatch(
    new RegExp(`<details class="sure"><summary>Reset….*begin again from now.*action="${path}:reset"`, 's'),
  );
  const { generation } = await server.store.trigger({ pipeline: 'alpha', trigger: 'nightly' });
  const done = await visit(`${path}:reset`, form({}));
  expect([done.status, done.headers.get('location')]).toEqual([303, `${path}?notice=reset`]);
  const after = await server.store.trigger({ pipeline: 'alpha', trigger: 'nightly' });
  expect(after.generation).toBe(generation + 1);
  expect(await textOf(visit(`${path}?notice=reset`))).toContain('The trigger is reset.');
});

test('the overview tells what needs a person: failed runs, broken files, refused messages', async () => {
  const store = memoryStores(() => Date.now())({ name: 'project' });
  const pipelines = await pipelinesOf('alpha', 'beta');
  const watched = async () => [
    ...pipelines.map((loaded) => ({
      name: loaded.pipeline.name,
      file: loaded.file,
      version: '1',
      loaded,
      problem: undefined,
    })),
    {
      name: 'gamma',
      file: 'conf/pipelines/gamma.yaml',
      version: '',
      loaded: undefined,
      problem: 'gamma.yaml:3:5 steps: <wrong>',
    },
  ];
  const { visit, server } = await browser({ api: fakeApi(store, pipelines, { watched }) });
  const shown = async () => needs(await (await visit('/')).text());
  expect(await shown()).toContain('gamma.yaml:3:5 steps: &lt;wrong&gt;');
  const { name, lease } = await server.run('alpha');
  await store.append(lease, 1, Date.now(), {
    events: finished.events,
    ...finished.entry,
    messages: [{ id: 'm1', event: 'failed', to: 'cfo@example.org', run: name }],
  });
  expect(await shown()).toContain('so it goes');
  await store.recordAttempt('m1', 'refused', 0, 'no such user');
  expect(await shown()).toContain('cfo@example.org');
  expect(await (await visit('/messages')).text()).toContain('no such user');
  const page = await (await visit('/pipelines/gamma')).text();
  expect(page).toContain('gamma.yaml:3:5');
  expect(page).not.toContain(':plan"');
  // A later run that succeeds makes up for it.
  const events = [{ type: 'run-ended', state: 'succeeded', reason: 'done' }] as const;
  await server.run('alpha', events, { summary: { state: 'succeeded', reason: 'done', ended: Date.now() } });
  expect(await shown()).not.toContain('so it goes');
});
