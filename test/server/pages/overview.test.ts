import { expect, test } from 'vitest';
import type { PromiseDocument } from '../../../controller/app/views/promises.ts';
import type { AlertCase } from '../../../controller/domain/alerts.ts';
import { emptyState } from '../../../controller/domain/state.ts';
import { progressOf } from '../../../controller/server/pages/overview/overview.ts';
import { finished } from '../world.ts';
import { browser } from './browser.ts';
import { firstCells, olderOf, part, textOf } from './seen.ts';

const promise = (pipeline: string, state: PromiseDocument['state'], more: Partial<PromiseDocument> = {}) => ({
  ...{ pipeline, promise: `${state} <b>`, says: 'never older than 24h', state, why: null, due: null, record: null },
  ...more,
});
const promises = async () => [
  promise('alpha', 'kept', { record: { kept: 27, of: 30, recent: [true, false, true] } }),
  promise('alpha', 'at-risk', { why: 'published 22 h ago' }),
  promise('beta', 'broken', { why: 'nothing was published' }),
];

test('the overview has what can be done beside what needs a person, and nothing of it for a reader', async () => {
  const { visit, server, enter } = await browser({ more: { promises } });
  const { name } = await server.run('alpha', finished.events, finished.entry);
  const paused = { by: 'anna', reason: 'vendor outage' };
  await server.store.trigger({ pipeline: 'beta', trigger: 'nightly' });
  await server.store.pause({ pipeline: 'beta', trigger: 'nightly' }, paused);
  const late: AlertCase = { name: 'OutboxStuck', severity: 'error', labels: { channel: 'x' }, facts: { seconds: 960 } };
  await server.store.changeAlerts(Date.now(), [{ begins: late, sent: {} }], []);
  const [alert] = await server.store.alerts({ limit: 1 });
  const acts = [
    `action="/runs/${name}:retry"`,
    'action="/pipelines/alpha:plan"',
    'action="/pipelines/beta/triggers/nightly:resume"',
    `action="/alerts/${alert?.id}:acknowledge"`,
  ];
  const needs = part(await textOf(visit('/')), 'needs');
  for (const each of acts) expect(needs).toContain(each);
  expect(needs).toContain(`href="/runs/${name}#steps"`);
  await server.store.acknowledgeAlert(alert?.id ?? 0, 'anna', Date.now());
  expect(part(await textOf(visit('/')), 'needs')).toContain('acknowledged by <bdi>anna');
  await enter(await server.token(['read']));
  expect(part(await textOf(visit('/')), 'needs')).not.toContain('<form');
});

test('promises are on the overview, on the page of their pipeline with their history, and hidden with it', async () => {
  const { visit, server, enter } = await browser({ more: { promises } });
  const overview = part(await textOf(visit('/')), 'pipelines');
  expect(overview).toMatch(/at risk.*at-risk &lt;b&gt;.*published 22 h ago.*kept<\/span> 1\/2.*broken.*nothing was/s);
  const broken: AlertCase = {
    ...{ name: 'PromiseBroken', severity: 'error', labels: { pipeline: 'alpha', promise: 'fresh' }, facts: {} },
  };
  const others = [
    { ...broken, labels: { pipeline: 'beta', promise: 'secret' } },
    { ...broken, name: 'RunFailed' },
  ];
  const begins = [broken, ...others].map((each) => ({ begins: each, sent: {} }));
  await server.store.changeAlerts(Date.now() - 7_200_000, begins, []);
  const page = await textOf(visit('/pipelines/alpha'));
  expect(part(page, 'promises')).toMatch(/27\/30 <svg[^>]*Last 3 times, the newest at the right: kept: 2, broken: 1/);
  expect(part(page, 'promises')).not.toContain('nothing was published');
  expect(firstCells(page, 'breaches')).toHaveLength(1);
  expect(part(page, 'breaches')).toContain('2 h');
  await enter(await server.token(['read'], ['bet*']));
  const seen = await textOf(visit('/'));
  expect([seen.includes('nothing was published'), seen.includes('22 h ago')]).toEqual([true, false]);
  expect((await visit('/pipelines/alpha')).status).toBe(404);
});

test('a run that goes on shows how far it is', async () => {
  const step = (state: object) => ({ name: 's', attempts: [{}], ...state }) as never;
  const plan = { steps: { a: { role: 'run' }, b: { role: 'run' }, c: { role: 'run' }, d: { role: 'skip' } } } as never;
  const steps = { a: step({ ended: { state: 'succeeded' } }), b: step({}) };
  expect(progressOf({ ...emptyState(), plan, steps })).toEqual({ done: 1, of: 3, now: ['b'] });
  expect(progressOf(emptyState())).toBe(undefined);
  const { visit, server } = await browser();
  await server.run('alpha', [{ type: 'planned', plan: { ...full, steps: full.steps } } as never], {
    summary: { state: 'running' },
  });
  expect(part(await textOf(visit('/')), 'pipelines')).toMatch(/<progress max="2" value="0".*0\/2/s);
});
const full = {
  ...{ verdicts: [], quality: 1, choice: { branch: 'full', reason: '', rejected: [] }, verdict: 'go', reason: '' },
  steps: { marts: { role: 'run', reason: '' }, segments: { role: 'run', reason: '' } },
};

test('messages that are not sent come first, whatever their age, and the list goes on to the oldest', async () => {
  const { visit, server, enter } = await browser();
  const post = async (pipeline: string, ids: readonly string[]) => {
    const { name, lease } = await server.run(pipeline);
    const messages = ids.map((id) => ({ id, event: 'failed', to: `${id}@example.org`, run: name }));
    await server.store.append(lease, 1, Date.now(), { events: [], messages });
    return name;
  };
  await post('alpha', ['oldest']);
  await server.store.recordAttempt('oldest', 'refused', 0, 'no such user <b>');
  const many = Array.from({ length: 60 }, (_, i) => `alpha-${i}`);
  await post('alpha', many);
  for (const id of many) await server.store.recordAttempt(id, 'sent', 0, '');
  await post('beta', ['waiting']);
  const alert = { id: 'about-alert', event: 'alert', to: 'all@example.org' };
  await server.store.changeAlerts(Date.now(), [], [alert]);
  const first = await textOf(visit('/messages'));
  expect(firstCells(first, 'unsent')).toEqual(['all@example.org', 'waiting@example.org', 'oldest@example.org']);
  expect(part(first, 'unsent')).toContain('no such user &lt;b&gt;');
  expect(firstCells(first, 'messages')).toHaveLength(50);
  const second = await textOf(visit(olderOf(first) ?? ''));
  expect(part(second, 'unsent')).toBe('');
  expect(firstCells(second, 'messages').at(-1)).toBe('oldest@example.org');
  expect(firstCells(second, 'messages')).toHaveLength(13);
  expect(olderOf(second)).toBe(undefined);
  expect((await visit('/messages?after=x')).status).toBe(400);
  await enter(await server.token(['read'], ['bet*']));
  expect(firstCells(await textOf(visit('/messages')), 'messages')).toEqual(['waiting@example.org']);
});

test('the audit log is for administrators of all pipelines, and goes on to the oldest entry', async () => {
  const { visit, server, enter } = await browser();
  const { name } = await server.run('beta');
  for (let i = 0; i < 60; i++)
    await server.store.recordAudit({
      ...{
        at: Date.now(),
        by: `<b>${i}`,
        token: 'abc',
        address: '127.0.0.1',
        target: i === 59 ? name : 'x',
        detail: 'd',
      },
      ...{ action: 'POST /api/v1/runs/{run}:cancel', status: i === 59 ? 202 : 403 },
    });
  const first = await textOf(visit('/audit'));
  expect(first).toContain('&lt;b&gt;59');
  expect(part(first, 'audit')).toContain(`href="/runs/${name}"`);
  expect(firstCells(first, 'audit')).toHaveLength(50);
  const second = await textOf(visit(olderOf(first) ?? ''));
  expect(second).toContain('&lt;b&gt;0<');
  expect(olderOf(second)).toBe(undefined);
  expect(await textOf(visit('/settings'))).toContain('href="/audit"');
  await enter(await server.token(['read', 'data', 'runs:write', 'triggers:write']));
  expect((await visit('/audit')).status).toBe(403);
  expect(await textOf(visit('/settings'))).not.toContain('/audit');
  const some = await server.token(['admin'], ['alp*']);
  await enter(some);
  expect((await visit('/audit')).status).toBe(403);
  expect((await server.get('/api/v1/audit', { as: some })).status).toBe(403);
  expect(await textOf(visit('/settings'))).not.toContain('/audit');
});
