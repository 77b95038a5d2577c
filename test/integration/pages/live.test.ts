import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../servers.ts';
import { entered, type Served, served } from './browser.ts';
import { becomes, started, stateOf } from './steps.ts';

/** The pages of `sluice serve` in a browser, with runs that a controller executes. */

let server: Served;
beforeAll(async () => {
  server = await served();
});
afterAll(() => server.stop());

/** Answers the service until a condition holds. */
const releasedUntil = (holds: () => Promise<boolean>) =>
  until(async () => {
    server.service.release();
    return holds();
  }, 60_000);

test('a run is started, watched live to its end without a reload, and found by the filters', async () => {
  const { page, faults } = await entered(server, await server.open());
  const overview = await page.context().newPage();
  await overview.goto('/');
  await page.bringToFront();
  const path = await started(page, 'slow');
  await page.evaluate('window.isSame = true');
  await becomes(page, 'running');
  await overview.bringToFront();
  await until(async () => (await overview.locator('#pipelines').innerText()).includes('running'), 20_000);
  await overview.close();
  await until(async () => server.service.release() > 0);
  await releasedUntil(async () => (await stateOf(page)).includes('succeeded'));
  expect(await page.evaluate('window.isSame')).toBe(true);
  // What is read aloud is the state, and not the whole page.
  expect(await page.locator('#said').innerText()).toBe('succeeded');
  // The plan was not there when the page was opened.
  expect(await page.locator('#plan tbody tr').count()).toBe(2);
  expect(await page.title()).toContain('succeeded');
  expect(await page.locator('#timeline svg text').allTextContents()).toContain('call, attempt 1');
  expect(await page.locator('#actions button').allInnerTexts()).toEqual(['Run again']);
  await page.goto('/runs');
  await page.check('input[value="failed"]');
  await page.click('.filters button.main');
  expect(new URL(page.url()).searchParams.getAll('state')).toEqual(['failed']);
  expect(await page.locator(`a[href="${path}"]`).count()).toBe(0);
  await page.uncheck('input[value="failed"]');
  await page.check('input[value="succeeded"]');
  await page.selectOption('#f-pipeline', 'slow');
  await page.click('.filters button.main');
  expect(await page.locator(`a[href="${path}"]`).count()).toBe(1);
  expect(faults).toEqual([]);
});

test('a link of another site, such as a chat, opens the page for one who is logged in', async () => {
  const { page } = await entered(server, await server.open());
  const other = await page.context().newPage();
  // Another host name is another site.
  await other.goto(server.url.replace('127.0.0.1', 'localhost').concat('/none'));
  await other.evaluate(`location.href = ${JSON.stringify(`${server.url}/runs?q=slow`)}`);
  await other.waitForURL(/127.0.0.1.*q=slow/);
  await until(async () => (await other.locator('h1').innerText()) === 'Runs');
});
