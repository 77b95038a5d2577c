import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Browser } from 'playwright-core';

/** Takes screenshots of the pages of `sluice serve`: the overview, and the last run. */
export async function photographPages(
  browser: Browser,
  { root, main, home, docs }: Readonly<Record<'root' | 'main' | 'home' | 'docs', string>>,
): Promise<void> {
  const server = execa(process.execPath, [main, 'serve', '--bind', '127.0.0.1:0', '--log-format', 'json'], {
    ...{ cwd: root, stdin: 'ignore', reject: false },
  });
  try {
    const url = await new Promise<string>((resolve, reject) => {
      let text = '';
      server.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        const [, found] = /"url":"(http[^"]+)"/.exec(text) ?? [];
        if (found !== undefined) resolve(found);
      });
      void server.then(() => reject(new Error(`the server ended: ${text}`)));
    });
    const token = await readFile(join(home, 'secrets', 'api-token'), 'utf8');
    const page = await browser.newPage({ viewport: { width: 1240, height: 800 }, deviceScaleFactor: 1.5 });
    await page.goto(`${url}/login`);
    await page.fill('#token', token.trim());
    await page.click('main button');
    await page.waitForURL(`${url}/`);
    await page.screenshot({ path: join(docs, 'overview.png') });
    await page.goto(`${url}/runs`);
    await page.click('[data-list] tbody th a');
    await page.waitForURL(/\/runs\/./);
    await page.screenshot({ path: join(docs, 'run.png') });
  } finally {
    server.kill();
    await server;
  }
}
