import { expect, test } from 'vitest';
import { memoryStores } from '../../fakes/store.ts';
import { fakeApi, finished, pipelinesOf } from '../world.ts';
import { browser, form } from './browser.ts';

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
