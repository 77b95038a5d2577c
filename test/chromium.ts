import { setTimeout as sleep } from 'node:timers/promises';
import chromium from '@sparticuz/chromium';
import { type Browser, chromium as playwright } from 'playwright-core';

/** A browser; its file may still be unpacked by another process. */
export async function launched(): Promise<Browser> {
  for (let tries = 1; ; tries++) {
    try {
      return await playwright.launch({
        executablePath: await chromium.executablePath(),
        // A browser in one process ends with its first context.
        args: [...chromium.args.filter((each) => each !== '--single-process'), '--no-sandbox'],
        headless: true,
      });
    } catch (error) {
      if (tries === 30) throw error;
      await sleep(500);
    }
  }
}
