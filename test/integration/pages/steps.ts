import type { Page } from 'playwright-core';
import { until } from '../servers.ts';

/** What people do with pages, and wait for. */

/** The state that the page of a run shows. */
export const stateOf = (page: Page): Promise<string> => page.locator('#head .state').innerText();
/** Waits for a state that the page shows by itself. */
export const becomes = (page: Page, word: string) => until(async () => (await stateOf(page)).includes(word), 60_000);

/** Reads a page again until it shows a state. */
export const reloadedUntil = (page: Page, path: string, word: string) =>
  until(async () => {
    await page.goto(path);
    return (await stateOf(page)).includes(word);
  });

/** Starts a run by the form of a page. */
export async function started(page: Page, pipeline: string): Promise<string> {
  await page.goto('/runs');
  await page.click('summary');
  await page.selectOption('#start-pipeline', pipeline);
  await page.click('details button');
  await page.waitForURL(/\/runs\/\d{8}-/);
  return new URL(page.url()).pathname;
}

/** Reads a page again until it holds; for pages that do not follow what happens. */
export const reloadedUntilIt = (page: Page, path: string, holds: () => Promise<boolean>): Promise<void> =>
  until(async () => {
    await page.goto(path);
    return holds();
  }, 60_000);

/** Goes on with the Tab key alone until something has the focus. */
export async function tabbedTo(page: Page, selector: string): Promise<void> {
  for (let pressed = 0; pressed < 150; pressed++) {
    if (await page.evaluate(`document.activeElement?.matches(${JSON.stringify(selector)})`)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`the Tab key does not lead to ${selector}`);
}
