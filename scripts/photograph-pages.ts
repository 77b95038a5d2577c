import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import type { Browser, Page } from 'playwright-core';
import { launched } from '../test/chromium.ts';
import { showcase } from './showcase/project.ts';

const wide = { width: 1280, height: 480 };
const narrow = { width: 390, height: 480 };

/** Starts the server of a project; resolves with its address. */
async function served(main: string, folder: string, home: string) {
  const server = execa(process.execPath, [main, 'serve', '--bind', '127.0.0.1:0', '--log-format', 'json'], {
    ...{ cwd: folder, stdin: 'ignore', reject: false, env: { SLUICE_HOME: home } },
  });
  const url = await new Promise<string>((resolve, reject) => {
    let text = '';
    server.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const [, found] = /"url":"(http[^"]+)"/.exec(text) ?? [];
      if (found !== undefined) resolve(found);
    });
    void server.then(() => reject(new Error(`the server ended: ${text}`)));
  });
  return { server, url };
}

async function started(page: Page, pipeline: string): Promise<string> {
  await page.goto('/runs');
  await page.click('summary');
  await page.selectOption('#start-pipeline', pipeline);
  await page.click('details button');
  await page.waitForURL(/\/runs\/\d{8}-/);
  return new URL(page.url()).pathname;
}

/** Waits for a state that the page of a run shows by itself. */
const becomes = (page: Page, state: string) =>
  page.locator('#head .state', { hasText: state }).waitFor({ timeout: 60_000 });

/** A page with a session, in some colours and size. */
async function entered(browser: Browser, url: string, token: string, size = wide, theme = 'light'): Promise<Page> {
  const context = await browser.newContext({
    baseURL: url,
    viewport: size,
    deviceScaleFactor: 1,
    locale: 'en-GB',
    timezoneId: 'UTC',
  });
  await context.addCookies([{ name: 'sluice-theme', value: theme, url }]);
  const page = await context.newPage();
  await page.goto('/login');
  await page.fill('#token', token.trim());
  await page.click('main button');
  await page.waitForURL('/');
  return page;
}

/** Takes pictures of all pages of a project with a month of history. Returns their names. */
export async function photographPages({
  main,
  docs,
}: {
  readonly main: string;
  readonly docs: string;
}): Promise<string[]> {
  const { folder, home, release, remove } = await showcase(main);
  const { server, url } = await served(main, folder, home);
  const browser = await launched();
  const names: string[] = [];
  /** Takes a picture of what is at a path, of at most so many pixels in height. */
  const photograph = async (page: Page, name: string, path?: string, height = 1500): Promise<void> => {
    if (path !== undefined) await page.goto(path);
    await sleep(300);
    const full = await page.evaluate<number>('document.documentElement.scrollHeight');
    const size = page.viewportSize() ?? wide;
    const clip = { x: 0, y: 0, width: size.width, height: Math.min(full, height) };
    await page.screenshot({ path: join(docs, `page-${name}.png`), fullPage: true, clip });
    names.push(`page-${name}.png`);
  };
  try {
    const token = await readFile(join(home, 'secrets', 'api-token'), 'utf8');
    const page = await entered(browser, url, token);
    const ask = (path: string, body: object) =>
      page.request.post(`/api/v1${path}`, { data: body, headers: { authorization: `Bearer ${token.trim()}` } });
    await ask('/tokens', { name: 'airflow', scopes: ['read', 'runs:write'], pipelines: ['customer-*'] });
    await ask('/tokens', { name: 'dashboards', scopes: ['read'] });

    const failed = await started(page, 'partner-export');
    await becomes(page, 'failed');
    const run = await started(page, 'customer-report');
    await becomes(page, 'succeeded');
    const [, , runName = ''] = run.split('/');
    const live = await started(page, 'payments-mart');
    await page.locator('#steps', { hasText: 'running' }).waitFor({ timeout: 60_000 });
    // Until the failed run is an alert, too.
    await sleep(3000);

    await photograph(page, 'run-live', live, 1100);
    await photograph(page, 'overview', '/');
    await photograph(page, 'runs', '/runs', 960);
    await photograph(page, 'run', run, 1700);
    await photograph(page, 'run-failed', failed, 1000);
    await page.goto(`${run}/diff`);
    await photograph(page, 'diff');
    await page.goto('/pipelines/customer-report');
    await page.click('text=Plan now');
    await page.locator('#plan').waitFor({ timeout: 60_000 });
    await photograph(page, 'plan', undefined, 1000);
    await photograph(page, 'triggers', '/triggers');
    // A month that has been, if it has just begun.
    const month = new Date(Date.now() - 15 * 86_400_000).toISOString().slice(0, 7);
    await photograph(page, 'trigger', `/pipelines/customer-report/triggers/nightly?month=${month}`, 1000);
    await photograph(page, 'calendar', `/calendar?month=${month}`, 1300);
    await photograph(page, 'pipelines', '/pipelines');
    await photograph(page, 'pipeline', '/pipelines/customer-report', 1200);
    await photograph(page, 'quarantine', `/runs/${runName}/quarantine?source=deliveries`, 560);
    await photograph(page, 'log', `${run}/steps/marts/attempts/1`, 900);
    await photograph(page, 'messages', '/messages', 640);
    await photograph(page, 'alerts', '/alerts');
    await photograph(page, 'settings', '/settings');
    await photograph(page, 'audit', '/audit', 900);
    for (const [name, size, theme] of [
      ['dark', wide, 'dark'],
      ['narrow', narrow, 'light'],
    ] as const) {
      const other = await entered(browser, url, token, size, theme);
      await photograph(other, `overview-${name}`, '/');
      await photograph(other, `run-${name}`, run, 1200);
    }
    const stranger = await browser.newPage({ viewport: wide });
    await photograph(stranger, 'login', `${url}/login`, 460);
    release();
    return names;
  } finally {
    await browser.close();
    server.kill();
    await server;
    await remove();
  }
}
