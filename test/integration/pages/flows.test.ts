import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { entered, type Served, served } from './browser.ts';
import { reloadedUntil, reloadedUntilIt, started } from './steps.ts';

/** What people do with pages, in a browser with scripts and in one without: the same pages do the same. */

let server: Served;
let flows = 0;
beforeAll(async () => {
  server = await served();
});
afterAll(async () => {
  process.stdout.write(`flows in Chromium, with scripts and without: ${flows}\n`);
  await server.stop();
});

const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).first().click();
/** Where the page is, without a notice. */
const placeOf = (page: Page): string => new URL(page.url()).pathname;
/** A run of a pipeline that has ended. */
async function ended(page: Page, pipeline: string, state = 'succeeded'): Promise<string> {
  const path = await started(page, pipeline);
  await reloadedUntil(page, path, state);
  return path;
}

describe.each([
  { scripts: 'with scripts', javaScriptEnabled: true },
  { scripts: 'without scripts', javaScriptEnabled: false },
])('$scripts', ({ javaScriptEnabled }) => {
  const flow = (name: string, run: (page: Page) => Promise<void>) =>
    test(name, async () => {
      const context = await server.open({ javaScriptEnabled });
      const { page, faults } = await entered(server, context);
      await run(page);
      expect(faults).toEqual([]);
      flows += 1;
      await context.close();
    });

  test('a wrong token is refused, a right one leads to the page that was asked for, and the logout ends it', async () => {
    const context = await server.open({ javaScriptEnabled });
    const page = await context.newPage();
    await page.goto('/runs?q=slow');
    await page.waitForURL(/\/login\?to=/);
    await page.fill('#token', 'wrong');
    await press(page, 'Log in');
    expect(await page.getByRole('alert').innerText()).toContain('not valid');
    await page.fill('#token', server.token);
    await press(page, 'Log in');
    await page.waitForURL(/\/runs\?q=slow/);
    await press(page, 'Log out');
    await page.waitForURL('/login');
    await page.goto('/runs');
    await page.waitForURL(/\/login\?to=/);
    flows += 1;
    await context.close();
  });

  flow('a run is started, cancelled, and run again', async (page) => {
    const path = await started(page, 'slow');
    await reloadedUntil(page, path, 'running');
    expect(await page.locator('time').first().getAttribute('datetime')).toMatch(/Z$/);
    await press(page, 'Cancel the run');
    await page.waitForURL(/notice=cancelled/);
    await reloadedUntil(page, path, 'cancelled');
    await press(page, 'Run again');
    await page.waitForURL(/notice=started/);
    expect(placeOf(page)).not.toBe(path);
    await press(page, 'Cancel the run');
    await page.waitForURL(/notice=cancelled/);
  });

  flow('runs are filtered, and the filter is in the address', async (page) => {
    const path = await ended(page, 'quick');
    await page.goto('/runs');
    await page.check('input[value="succeeded"]');
    await page.selectOption('#f-pipeline', 'quick');
    await page.selectOption('#f-within', '7d');
    await press(page, 'Filter');
    expect(new URL(page.url()).searchParams.get('within')).toBe('7d');
    expect(await page.locator(`a[href="${path}"]`).count()).toBe(1);
    expect(await page.locator('#starts svg rect').count()).toBeGreaterThan(0);
    await page.fill('#f-q', 'slow');
    await press(page, 'Filter');
    expect(await page.locator(`a[href="${path}"]`).count()).toBe(0);
  });

  flow('two runs are compared', async (page) => {
    await ended(page, 'quick');
    const later = await ended(page, 'quick');
    await page.click('text=Compare with the run before');
    await page.waitForURL(/\/diff\/./);
    expect(await page.locator('#diff-times tbody tr').count()).toBeGreaterThan(0);
    expect(await page.locator('h1').innerText()).toBe('Difference of two runs');
    const options = await page.locator('#f-other option').count();
    expect(options).toBeGreaterThan(1);
    await page.goto(later);
    await page.selectOption('#f-other', { index: 1 });
    await press(page, 'Compare');
    await page.waitForURL(/\/diff\/./);
  });

  flow('a plan is made, and nothing is started', async (page) => {
    await page.goto('/runs?pipeline=quick');
    const before = await page.locator('#runs tbody tr').count();
    await page.goto('/pipelines/quick');
    await press(page, 'Plan now');
    await page.waitForURL(/\/plans\//);
    await reloadedUntilIt(page, placeOf(page), async () => (await page.locator('#plan').count()) === 1);
    expect(await page.locator('#plan-head').innerText()).toContain('would run');
    await page.goto('/runs?pipeline=quick');
    expect(await page.locator('#runs tbody tr').count()).toBe(before);
    await page.goto('/pipelines/broken');
    expect(await page.locator('#head').innerText()).toMatch(/broken\.yaml:\d+/);
  });

  flow('quarantined rows are downloaded, repaired, sent, and read by the next run', async (page) => {
    await ended(page, javaScriptEnabled ? 'quick' : 'mended');
    await page.click('#sources a');
    expect(await page.locator('#rows').innerText()).toContain('amount');
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=Download the file')]);
    const csv = await readFile(await download.path(), 'utf8');
    const repaired = csv.replace(/,x\b/, ',10');
    expect(repaired).not.toBe(csv);
    await page.setInputFiles('#file', { name: 'rows.csv', mimeType: 'text/csv', buffer: Buffer.from(repaired) });
    await press(page, 'Send and run');
    await page.waitForURL(/notice=replayed/);
    await reloadedUntil(page, placeOf(page), 'succeeded');
    expect(await page.locator('#sources tbody td').allInnerTexts()).toEqual(['3', '3', '0', '0', '3', '–']);
  });

  flow('a trigger is paused with a reason, seen by others, resumed on the overview and fired', async (page) => {
    await page.goto('/triggers');
    await page.click('text=nightly');
    await page.waitForURL(/\/triggers\/nightly/);
    const path = placeOf(page);
    expect(await page.locator('.month td time').count()).toBeGreaterThan(27);
    await page.fill('#f-reason', 'vendor outage <b>');
    await press(page, 'Pause');
    await page.waitForURL(/notice=paused/);
    await page.goto('/');
    expect(await page.locator('#needs').innerText()).toContain('vendor outage <b>');
    await page.locator('#needs').getByRole('button', { name: 'Resume' }).click();
    await page.waitForURL(/notice=unpaused/);
    await page.goto(path);
    await press(page, 'Fire now');
    await page.waitForURL(/notice=fired/);
    await reloadedUntil(page, placeOf(page), 'succeeded');
    expect(await page.locator('#cause').innerText()).toContain('nightly');
  });

  flow('a trigger is fired for a range that is shown before, and reset when it is asked twice', async (page) => {
    const day = (before: number) => new Date(Date.now() - before * 86_400_000).toISOString().slice(0, 10);
    await page.goto('/pipelines/quick/triggers/nightly');
    await page.fill('#f-from', `${day(2)}T00:00`);
    await page.fill('#f-to', `${day(1)}T00:00`);
    await press(page, 'Show what would start');
    await page.waitForURL(/\/range\?/);
    expect(await page.getByRole('status').first().innerText()).toMatch(/1 instants are left|^1 runs would start/);
    await page.goto('/pipelines/quick/triggers/nightly');
    expect(await page.getByRole('button', { name: 'Reset', exact: true }).isVisible()).toBe(false);
    await page.click('summary:has-text("Reset…")');
    await press(page, 'Reset');
    await page.waitForURL(/notice=reset/);
    await page.goto('/calendar');
    expect(await page.locator('.month').innerText()).toContain('quick nightly');
  });

  flow('a failed run needs a person, and its alert is acknowledged', async (page) => {
    const name = javaScriptEnabled ? 'strict' : 'severe';
    const path = await ended(page, name, 'failed');
    await page.goto('/');
    const need = page.locator('#needs li', { hasText: name });
    await need.getByRole('link', { name: 'the last run failed' }).click();
    expect(placeOf(page)).toBe(path);
    const open = page.locator('#open');
    await reloadedUntilIt(page, '/alerts', async () => (await open.innerText()).includes(name));
    const row = open.locator('tr', { hasText: name });
    await row.getByRole('button', { name: 'Acknowledge' }).click();
    await page.waitForURL(/notice=acknowledged/);
    expect(await row.innerText()).toContain('acknowledged by');
  });

  flow('language, colours and the clock are chosen', async (page) => {
    await page.goto('/runs');
    await press(page, 'UTC');
    expect(await page.locator('html').getAttribute('data-clock')).toBe('utc');
    const shown = await page.locator('#runs time').first().innerText();
    expect(shown).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
    await press(page, 'Dark');
    expect(await page.locator('html').getAttribute('data-theme')).toBe('dark');
    await press(page, 'Русский');
    expect(await page.locator('html').getAttribute('lang')).toBe('ru');
  });
});
