import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { launched } from '../chromium.ts';
import { start } from '../integration/world.ts';
import type { Comparison } from './compare.ts';
import { figure, quantile, times } from './limits.ts';
import { type LongServed, longServed } from './serve.ts';

/** What the pages take, with a long history: the first byte, all bytes of a first visit, and the largest paint. */
export async function* pageComparisons(): AsyncGenerator<Comparison> {
  const { server, stop } = await longServed();
  try {
    yield* figures(server);
  } finally {
    await stop();
  }
}

async function* figures({ folder, url, token, env }: LongServed): AsyncGenerator<Comparison> {
  // The runs of the history are bare; this one has a plan, rows, checks and outputs.
  const { stdout } = await start(['run', 'conf/pipelines/p0.yaml', '--json'], env, folder);
  const { run } = JSON.parse(stdout) as { run: string };
  const paths = {
    '/': '/',
    '/runs': '/runs',
    '/runs/{run}': `/runs/${run}`,
    '/triggers': '/triggers',
    '/pipelines/{pipeline}': '/pipelines/p0',
  };
  const browser = await launched();
  try {
    const cookie = await loggedIn(await browser.newPage(), url, token);
    const get = (path: string) => fetch(url + path, { headers: { cookie, accept: 'text/html' } });
    for (const [shown, path] of Object.entries(paths)) {
      await times(20, 1, () => get(path));
      yield figure(
        `page ${shown}: first byte at 20 r/s, p99`,
        quantile(await firstBytes(() => get(path)), 0.99),
        60,
        'ms',
      );
      const context = await browser.newContext();
      await context.addCookies([
        { name: cookie.split('=')[0] ?? '', value: cookie.slice(cookie.indexOf('=') + 1), url },
      ]);
      const { bytes, paints } = await visits(await context.newPage(), url + path);
      yield figure(`page ${shown}: bytes of the first visit, compressed`, bytes / 1024, 60, 'KB');
      yield figure(`page ${shown}: largest paint in Chromium, median of 9`, quantile(paints, 0.5), 500, 'ms');
      await context.close();
    }
  } finally {
    await browser.close();
  }
  const metrics = () => fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  yield figure('metrics: at 2 r/s, p99', quantile(await times(2, 10, metrics), 0.99), 50, 'ms');
  yield figure('metrics: lines', (await (await metrics()).text()).split('\n').length, 4000, 'lines');
}

async function loggedIn(page: Page, url: string, token: string): Promise<string> {
  await page.goto(`${url}/login`);
  await page.fill('#token', token);
  await page.click('main button');
  await page.waitForURL(`${url}/`);
  const [cookie] = (await page.context().cookies()).filter(({ name }) => name.includes('session'));
  await page.close();
  if (!cookie) throw new Error('the login gave no session');
  return `${cookie.name}=${cookie.value}`;
}

/** Milliseconds until the headers of an answer. */
async function firstBytes(ask: () => Promise<Response>): Promise<number[]> {
  const found: number[] = [];
  await times(20, 10, async () => {
    const from = performance.now();
    const response = await ask();
    found.push(performance.now() - from);
    return response;
  });
  return found;
}

/** The bytes of all that a first visit loads, as `gzip` makes them; and the largest paint of each of nine visits. */
async function visits(page: Page, address: string): Promise<{ bytes: number; paints: number[] }> {
  const bodies: Promise<Buffer>[] = [];
  page.on('response', (response) => bodies.push(response.body()));
  await page.goto(address, { waitUntil: 'load' });
  page.removeAllListeners('response');
  if (page.url() !== address) throw new Error(`${address} led to ${page.url()}`);
  const bytes = (await Promise.all(bodies)).reduce((sum, body) => sum + gzipSync(body).length, 0);
  const paints: number[] = [];
  for (let i = 0; i < 9; i++) {
    await page.goto(address, { waitUntil: 'load' });
    paints.push(await page.evaluate<number>(largestPaint));
  }
  return { bytes, paints };
}

/** For the page: when its largest element was painted, in milliseconds since its navigation. */
const largestPaint = `new Promise((resolve) => {
  const observer = new PerformanceObserver((list) => resolve(list.getEntries().at(-1).startTime));
  observer.observe({ type: 'largest-contentful-paint', buffered: true });
})`;
