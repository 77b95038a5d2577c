import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../servers.ts';
import { entered, type Served, served } from './browser.ts';
import { becomes, started, tabbedTo } from './steps.ts';

/** What people do with the keyboard alone. */

let server: Served;
beforeAll(async () => {
  server = await served();
});
afterAll(() => server.stop());

const typed = async (page: Page, ...keys: readonly string[]): Promise<void> => {
  for (const key of keys) await page.keyboard.press(key);
};

test('a run is cancelled with the keyboard alone', async () => {
  const { page, faults } = await entered(server, await server.open());
  const path = await started(page, 'slow');
  await page.goto('/');
  await page.keyboard.press('g');
  await page.keyboard.press('r');
  await page.waitForURL('/runs');
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.waitForURL(path);
  await becomes(page, 'running');
  await page.keyboard.press('c');
  await page.keyboard.press('Enter');
  await page.waitForURL(/notice=cancelled/);
  await becomes(page, 'cancelled');
  await page.keyboard.press('?');
  expect(await page.locator('dialog[open]').count()).toBe(1);
  await page.keyboard.press('Escape');
  // The focus goes back a little later.
  await until(() =>
    page.evaluate(`!document.activeElement.closest('dialog') && !document.querySelector('dialog[open]')`),
  );
  await page.keyboard.press('/');
  await page.keyboard.type('slow');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/runs\?q=slow/);
  expect(faults).toEqual([]);
});

test('a person logs in, pauses a trigger with a reason and resumes it with the keyboard alone', async () => {
  const page = await (await server.open()).newPage();
  await page.goto('/login');
  await tabbedTo(page, '#token');
  await page.keyboard.type(server.token);
  await typed(page, 'Enter');
  await page.waitForURL('/');
  await typed(page, 'g', 't');
  await page.waitForURL('/triggers');
  await typed(page, 'j', 'Enter');
  await page.waitForURL(/\/triggers\/nightly/);
  await tabbedTo(page, '#f-reason');
  await page.keyboard.type('vendor outage');
  await typed(page, 'Enter');
  await page.waitForURL(/notice=paused/);
  expect(await page.locator('#head').innerText()).toContain('vendor outage');
  await tabbedTo(page, 'form[action$=":resume"] button');
  await typed(page, 'Enter');
  await page.waitForURL(/notice=unpaused/);
  // What asks twice is opened and closed by keys, too.
  await tabbedTo(page, 'details.sure summary');
  await typed(page, 'Enter');
  await tabbedTo(page, 'form[action$=":reset"] button');
  await typed(page, 'Enter');
  await page.waitForURL(/notice=reset/);
});

test('a log is filtered by level while it is followed', async () => {
  const { page, faults } = await entered(server, await server.open());
  const path = await started(page, 'quick');
  await becomes(page, 'succeeded');
  await page.goto(`${path}/steps/work/attempts/1`);
  const log = page.locator('#log');
  await until(async () => (await log.innerText()).length > 0);
  await page.selectOption('#f-level', 'error');
  expect(new URL(page.url()).searchParams.get('level')).toBe('error');
  expect(await log.innerText()).not.toMatch(/ INFO /);
  await page.selectOption('#f-level', '');
  expect((await log.innerText()).length).toBeGreaterThan(0);
  expect(faults).toEqual([]);
});
