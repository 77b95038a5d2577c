import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { launched } from '../../chromium.ts';
import { Servers } from '../servers.ts';

/** A server of a project on the embedded store, with a run that waits for a service, and a browser. */

const source = (column: string) =>
  `sources: { one: { csv: data/*.csv, key: id, columns: { id: bigint, amount: ${column} } } }`;
const quick = `name: quick
description: Sums amounts
${source('{ type: bigint, required: true }')}
checks:
  - { name: rows arrived, expect: one.rows > 0, otherwise: fail }
branches: [{ name: all }]
steps:
  work: { engine: embedded, spark: { sql: work.sql }, outputs: [{ parquet: published/quick, views: [total] }] }
triggers:
  nightly: { schedule: '0 6 * * *', zone: Europe/Moscow }
promises:
  - { name: daily, fresherThan: 24h }
  - { name: much, holds: one.rows > 100 }
`;
/** Its runs fail until it has more rows. */
const strict = `name: strict
${source('string')}
checks:
  - { name: many rows, expect: one.rows > 100, otherwise: fail }
branches: [{ name: all }]
steps:
  work: { engine: embedded, spark: { sql: work.sql }, outputs: [{ parquet: published/strict, views: [total] }] }
`;
const slow = (url: string) => `name: slow
${source('string')}
branches: [{ name: all }]
steps:
  call: { http: { url: '${url}' }, retry: { maximumAttempts: 1 } }
  after: { needs: [call], http: { url: '${url}' }, retry: { maximumAttempts: 1 } }
`;

/** A service whose answers wait until they are released. */
async function holdingService() {
  const waiting = new Set<ServerResponse>();
  const service = createServer((_, response) => {
    waiting.add(response);
    response.once('close', () => waiting.delete(response));
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(service.address() as AddressInfo).port}/`,
    /** Answers what waits. Returns how many. */
    release(): number {
      const held = [...waiting];
      waiting.clear();
      for (const each of held) each.writeHead(200, { 'content-type': 'application/json' }).end('{"done":true}');
      return held.length;
    },
    stop: () => service.closeAllConnections() ?? service.close(),
  };
}

export async function served() {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-browser-'));
  const service = await holdingService();
  const files = {
    'conf/connections.yaml':
      'engine: embedded\nalerts: { every: 1s }\nserve: { limits: { reads: { perSecond: 1000, burst: 3000 }, writes: { perSecond: 100, burst: 500 } } }\n',
    'conf/pipelines/quick.yaml': quick,
    'conf/pipelines/strict.yaml': strict,
    // Repairs and acknowledgements are for good: each of two tests needs its own.
    'conf/pipelines/severe.yaml': strict.replaceAll('strict', 'severe'),
    'conf/pipelines/mended.yaml': quick.replaceAll('quick', 'mended').replace(/triggers:\n.*\n/, ''),
    'conf/pipelines/slow.yaml': slow(service.url),
    'conf/pipelines/broken.yaml': 'name: broken\nsteps: 7\n',
    'data/a.csv': 'id,amount\n1,2\n2,x\n3,4\n',
    'work.sql': 'CREATE OR REPLACE TEMP VIEW total AS SELECT sum(amount) AS total FROM one',
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  const home = join(folder, '.sluice');
  const servers = new Servers(folder, [], { SLUICE_HOME: home });
  await servers.start(0);
  const browser = await launched();
  return {
    folder,
    service,
    url: servers.url(0),
    token: (await readFile(join(home, 'secrets', 'api-token'), 'utf8')).trim(),
    open: (options: BrowserContextOptions = {}): Promise<BrowserContext> =>
      browser.newContext({ baseURL: servers.url(0), ...options }),
    async stop() {
      await browser.close();
      service.release();
      await servers.stop();
      service.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
export type Served = Awaited<ReturnType<typeof served>>;

/** A page with a session; `faults` gets what it must not do: errors, and requests to others. */
export async function entered(
  { url, token }: Served,
  context: BrowserContext,
): Promise<{ page: Page; faults: string[] }> {
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) faults.push(request.url());
  });
  page.on('dialog', (dialog) => void dialog.accept());
  await page.goto('/login');
  await page.fill('#token', token);
  await page.click('main button');
  await page.waitForURL('/');
  return { page, faults };
}
