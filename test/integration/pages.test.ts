import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults, RunOptions } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { entered, type Served, served } from './browser.ts';
import { until } from './servers.ts';

/** The pages of `sluice serve` in a browser, with runs that a controller executes. */

let server: Served;
beforeAll(async () => {
  server = await served();
});
afterAll(() => server.stop());

const state = (page: Page) => page.locator('#head .state').innerText();
/** Waits for a state that the page shows by itself. */
const becomes = (page: Page, word: string) => until(async () => (await state(page)).includes(word), 60_000);

/** Reads a page again until it shows a state. */
const reloadedUntil = (page: Page, path: string, word: string) =>
  until(async () => {
    await page.goto(path);
    return (await state(page)).includes(word);
  });

/** Starts a run by the form of a page. */
async function started(page: Page, pipeline: string): Promise<string> {
  await page.goto('/runs');
  await page.click('summary');
  await page.selectOption('#start-pipeline', pipeline);
  await page.click('details button');
  await page.waitForURL(/\/runs\/\d{8}-/);
  return new URL(page.url()).pathname;
}

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
  await releasedUntil(async () => (await state(page)).includes('succeeded'));
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

test('a trigger is paused with a reason, seen by others, resumed and fired', async () => {
  const { page, faults } = await entered(server, await server.open());
  await page.goto('/triggers');
  await page.click('text=nightly');
  expect(await page.locator('.month td time').count()).toBeGreaterThan(27);
  await page.fill('#f-reason', 'vendor outage <b>');
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.waitForURL(/notice=paused/);
  await page.goto('/');
  expect(await page.locator('#needs').innerText()).toContain('vendor outage <b>');
  await page.click('#needs >> text=quick nightly');
  await page.click('text=Resume');
  await page.waitForURL(/notice=unpaused/);
  await page.click('text=Fire now');
  await page.waitForURL(/notice=fired/);
  await becomes(page, 'succeeded');
  expect(await page.locator('#cause').innerText()).toContain('nightly');
  expect(faults).toEqual([]);
});

test('quarantined rows are downloaded, repaired, sent, and read by the next run', async () => {
  const { page, faults } = await entered(server, await server.open());
  await started(page, 'quick');
  await becomes(page, 'succeeded');
  await page.click('#sources a');
  expect(await page.locator('#rows').innerText()).toContain('amount');
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=Download the file')]);
  const csv = await readFile(await download.path(), 'utf8');
  const repaired = csv.replace(/,x\b/, ',10');
  expect(repaired).not.toBe(csv);
  await page.setInputFiles('#file', { name: 'rows.csv', mimeType: 'text/csv', buffer: Buffer.from(repaired) });
  await page.click('text=Send and run');
  await page.waitForURL(/notice=replayed/);
  await becomes(page, 'succeeded');
  expect(await page.locator('#sources tbody td').allInnerTexts()).toEqual(['3', '3', '0', '0', '3', '–']);
  expect(faults).toEqual([]);
});

test('a plan is made, and nothing is started', async () => {
  const { page, faults } = await entered(server, await server.open());
  await page.goto('/pipelines/quick');
  await page.click('text=Plan now');
  await page.waitForURL(/\/plans\//);
  await until(async () => (await page.locator('#plan').count()) === 1);
  expect(await page.locator('#plan-head').innerText()).toContain('would run');
  await page.goto('/pipelines/broken');
  expect(await page.locator('#head').innerText()).toMatch(/broken\.yaml:\d+/);
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

test('without scripts, the same pages do the same', async () => {
  const { page } = await entered(server, await server.open({ javaScriptEnabled: false }));
  const path = await started(page, 'slow');
  await reloadedUntil(page, path, 'running');
  expect(await page.locator('time').first().innerText()).toMatch(/UTC$/);
  await page.click('text=Cancel the run');
  await page.waitForURL(/notice=cancelled/);
  await reloadedUntil(page, path, 'cancelled');
  await page.click('text=Русский');
  expect(await page.locator('html').getAttribute('lang')).toBe('ru');
  await page.click('text=Тёмные');
  expect(await page.locator('html').getAttribute('data-theme')).toBe('dark');
  await page.click('text=Выйти');
  await page.waitForURL('/login');
  await page.goto(path);
  await page.waitForURL(/\/login\?to=/);
});

test('no page breaks a rule of accessibility: light and dark, English and Russian, wide and narrow', async () => {
  const axe = await readFile(createRequire(import.meta.url).resolve('axe-core'), 'utf8');
  const { page: first } = await entered(server, await server.open());
  const run = await started(first, 'quick');
  await becomes(first, 'succeeded');
  await first.goto('/pipelines/quick');
  await first.click('text=Plan now');
  await first.waitForURL(/\/plans\//);
  const paths = [
    new URL(first.url()).pathname,
    ...['/', '/runs', '/runs?state=failed', run, `${run}/steps/work/attempts/1`, `${run}/quarantine`, '/triggers'],
    ...[
      '/pipelines/quick/triggers/nightly',
      // A month of which every day has something.
      '/pipelines/quick/triggers/nightly?month=2027-03',
      '/pipelines',
      '/pipelines/quick',
      '/pipelines/broken',
      '/messages',
      '/alerts',
    ],
    ...['/settings', '/login', '/none'],
  ];
  const options: RunOptions = { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] };
  const found: string[] = [];
  let checked = 0;
  for (const theme of ['light', 'dark'])
    for (const language of ['en', 'ru'])
      for (const width of [1280, 390]) {
        const context = await server.open({ viewport: { width, height: 900 } });
        const { page } = await entered(server, context);
        await context.addCookies(
          Object.entries({ theme, language }).map(([name, value]) => ({
            name: `sluice-${name}`,
            value,
            url: server.url,
          })),
        );
        for (const path of paths) {
          await page.goto(path);
          await page.evaluate(axe);
          const { violations, passes } = (await page.evaluate(`axe.run(${JSON.stringify(options)})`)) as AxeResults;
          checked += 1;
          expect(passes.length, path).toBeGreaterThan(8);
          for (const { id, nodes } of violations)
            for (const { html, failureSummary } of nodes.slice(0, 3))
              found.push(`${theme} ${language} ${width} ${path} ${id}: ${html.slice(0, 200)} ${failureSummary}`);
          const isWide = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
          if (isWide) found.push(`${theme} ${language} ${width} ${path} is wider than the window`);
        }
        await context.close();
      }
  process.stdout.write(`axe: ${checked} pages, ${found.length} violations\n`);
  expect(found).toEqual([]);
}, 600_000);
