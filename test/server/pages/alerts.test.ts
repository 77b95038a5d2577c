import { expect, test } from 'vitest';
import type { AlertCase } from '../../../controller/domain/alerts.ts';
import { browser, form } from './browser.ts';

const late = (pipeline: string, reason: string): AlertCase => ({
  ...{ name: 'TriggerFailing', severity: 'error', labels: { pipeline, trigger: 'nightly' }, facts: { reason } },
});
const stuck: AlertCase = {
  name: 'OutboxStuck',
  severity: 'error',
  labels: { channel: 'slack' },
  facts: { seconds: 960 },
};

async function alerted() {
  const made = await browser();
  const hostile = `<img src=x onerror=alert(1)> \u202e ${'x'.repeat(5000)}`;
  const begins = [late('alpha', hostile), late('beta', 'why'), stuck].map((each) => ({ begins: each, sent: {} }));
  await made.server.store.changeAlerts(Date.now() - 3_600_000, begins, []);
  return made;
}
const textOf = async (answer: Promise<Response>): Promise<string> => (await answer).text();

test('alerts are on a page of their own, and what nothing else tells is on the overview', async () => {
  const { visit } = await alerted();
  const page = await textOf(visit('/alerts'));
  expect(page).toContain('messages by slack have waited for 16 min 00 s');
  expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;');
  expect(/<img|\u202e|x{1000}/.exec(page)).toBeNull();
  const overview = await textOf(visit('/'));
  expect(overview).toContain('messages by slack have waited');
  expect(overview).not.toContain('cannot be looked at');
  await visit('/preferences', form({ language: 'ru' }));
  expect(await textOf(visit('/alerts'))).toContain('сообщения по каналу slack ждут уже 16 min 00 s');
});

test('an alert is acknowledged by a form, once', async () => {
  const { visit, server } = await alerted();
  const [{ id } = { id: 0 }] = await server.store.alerts({ limit: 1 });
  const done = await visit(`/alerts/${id}:acknowledge`, form({}));
  expect([done.status, done.headers.get('location')]).toEqual([303, '/alerts?notice=acknowledged']);
  expect(await textOf(visit('/alerts'))).toContain('acknowledged by');
  expect((await server.store.alerts({ limit: 1 }))[0]?.acknowledged?.by).toBeDefined();
  expect((await visit('/alerts/999:acknowledge', form({}))).status).toBe(404);
  expect((await visit(`/alerts/${id}:acknowledge`, { ...form({}), origin: 'https://evil.example' })).status).toBe(403);
});

test('a token for some pipelines sees their alerts alone, and one without the right has no buttons', async () => {
  const { visit, enter, server } = await alerted();
  await enter(await server.token(['read'], ['be*']));
  const page = await textOf(visit('/alerts'));
  expect(page).toContain('beta: trigger nightly');
  expect(page).not.toMatch(/alpha|slack|acknowledge"/);
  const ids = (await server.store.alerts({ limit: 9 })).map(({ id }) => id);
  expect((await visit(`/alerts/${ids[0]}:acknowledge`, form({}))).status).toBe(403);
  await enter(await server.token(['read', 'triggers:write'], ['be*']));
  const states = await Promise.all(ids.map(async (id) => (await visit(`/alerts/${id}:acknowledge`, form({}))).status));
  expect(states.toSorted()).toEqual([303, 404, 404]);
});
