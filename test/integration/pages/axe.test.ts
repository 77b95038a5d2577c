import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults, RunOptions } from 'axe-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { entered, type Served, served } from './browser.ts';
import { becomes, started } from './steps.ts';

/** Rules of accessibility, on every page. */

let server: Served;
beforeAll(async () => {
  server = await served();
});
afterAll(() => server.stop());

test('no page breaks a rule of accessibility: light and dark, English and Russian, wide and narrow', async () => {
  const axe = await readFile(createRequire(import.meta.url).resolve('axe-core'), 'utf8');
  const { page: first } = await entered(server, await server.open());
  const before = await started(first, 'quick');
  await becomes(first, 'succeeded');
  const failed = await started(first, 'strict');
  await becomes(first, 'failed');
  const going = await started(first, 'slow');
  await becomes(first, 'running');
  const run = await started(first, 'quick');
  await becomes(first, 'succeeded');
  const other = before.split('/').at(-1);
  await first.goto('/pipelines/quick');
  await first.click('text=Plan now');
  await first.waitForURL(/\/plans\//);
  const day = (before: number) => new Date(Date.now() - before * 86_400_000).toISOString().slice(0, 10);
  const range = new URLSearchParams({ from: `${day(10)}T00:00`, to: `${day(1)}T00:00` });
  const paths = [
    new URL(first.url()).pathname,
    ...['/', '/runs', '/runs?state=failed', run, going, failed, `${run}/quarantine`, '/triggers'],
    ...[`${run}/steps/work/attempts/1`, `${run}/steps/work/attempts/1?level=error`, `${run}/diff/${other}`],
    ...['/runs?within=30d', '/calendar', '/calendar?month=2027-03', '/audit', '/messages'],
    `/pipelines/quick/triggers/nightly/range?${range}`,
    ...[
      '/pipelines/quick/triggers/nightly',
      // A month of which every day has something.
      '/pipelines/quick/triggers/nightly?month=2027-03',
      '/pipelines',
      '/pipelines/quick',
      '/pipelines/broken',
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
  process.stdout.write(`axe: ${checked} pages (${paths.length} in 8 ways), ${found.length} violations\n`);
  expect(found).toEqual([]);
}, 600_000);
