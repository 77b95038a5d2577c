import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunEvent } from '../../../controller/domain/events.ts';
import { finished } from '../world.ts';
import { browser, form } from './browser.ts';

type Browser = Awaited<ReturnType<typeof browser>>;

/** Texts that would be markup, turn the writing direction, or fill the page. */
const hostile = {
  markup: `<img src=x onerror=alert(1)>"'><script>alert(2)</script>`,
  turning: 'abc\u202egnp.exe\u2066',
  long: 'x'.repeat(10_000),
};

const settings = {
  ...{ executors: 2, executorCores: 2, executorMemory: '2g', driverMemory: '1g', partitions: 8 },
  ...{ profile: 'quick' as const, conf: { 'spark.x': hostile.markup } },
};
const measures = {
  ...{ rows: 100, valid: 97, invalid: 3, invalidByReason: { [hostile.markup]: 3 }, nulls: {}, duplicates: 1 },
  ...{ bytes: 1000, new: 100 },
};

let folder = '';
const rows = () => join(folder, 'rows.csv');
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-pages-'));
  const cells = Object.values(hostile).map((text) => `"${text.replaceAll('"', '""')}"`);
  const lines = Array.from({ length: 250 }, (_, i) => `file.csv:${i},${cells.join()}`);
  await writeFile(rows(), `_where,<b>one</b>,two,three\n${lines.join('\n')}\n`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A run with everything that a page shows, in texts that mean harm. */
const full = (bad: string): RunEvent[] => [
  {
    type: 'sources-measured',
    profiles: {
      [bad.slice(0, 60).replaceAll('/', ' ')]: { measures, pin: { kind: 'csv' }, examples: [], quarantine: rows() },
    },
    findings: {},
  },
  {
    type: 'planned',
    plan: {
      verdicts: [{ name: bad, outcome: 'warn', expect: bad, because: bad }],
      quality: 0.97,
      choice: { branch: bad, reason: bad, rejected: [{ branch: bad, reason: bad }] },
      steps: { marts: { role: 'run', reason: bad, settings, why: { executors: bad } } },
      cluster: { cores: 8, largestMb: 8192 },
      ...{ verdict: 'go', reason: bad },
    },
  },
  { type: 'attempt-intended', step: 'marts', attempt: 1, key: bad, settings },
  { type: 'attempt-submitted', step: 'marts', attempt: 1, submission: { key: bad, id: '1' } },
  { type: 'application-found', step: 'marts', attempt: 1, applicationId: bad, ui: 'javascript:alert(3)' },
  {
    ...{ type: 'attempt-ended', step: 'marts', attempt: 1, state: 'failed' },
    failure: { kind: 'bad-sql', message: bad, lines: [bad] } as never,
  },
  { type: 'step-ended', step: 'marts', state: 'failed', reason: bad },
  { type: 'report-written', file: 'f', url: 'javascript:alert(4)', figures: [] },
  { type: 'run-ended', state: 'failed', reason: bad },
];

async function filled(): Promise<Browser & { run: string }> {
  const made = await browser({ more: { logLines: async () => [hostile.markup, hostile.turning] } });
  let run = '';
  for (const bad of Object.values(hostile)) {
    const entry = { summary: { state: 'failed', reason: bad, branch: bad, quality: 0.9, ended: Date.now() } };
    ({ name: run } = await made.server.run('alpha', full(bad), entry));
  }
  await made.server.run('beta', [], {});
  return { ...made, run };
}

/** The links of a page to this server. */
const linksOf = (page: string): string[] =>
  [...page.matchAll(/ href="(\/[^"]*)"/g)].map(([, path = '']) =>
    path.replaceAll('&amp;', '&').replaceAll('&#39;', "'"),
  );

/** All pages that links lead to, with their texts. */
async function crawled({ visit }: Browser): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const waiting = ['/'];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    // The months of a trigger have no end.
    const isFar = path.includes('month=') && [...found.keys()].filter((each) => each.includes('month=')).length > 3;
    if (found.has(path) || isFar) continue;
    const answer = await visit(path);
    const led = answer.headers.get('location');
    if (led !== null) waiting.push(led);
    expect(answer.status, path).toBe(led === null ? 200 : 303);
    const text = await answer.text();
    if (led !== null) continue;
    found.set(path, text);
    if (answer.headers.get('content-type')?.startsWith('text/html') && path !== '/docs') waiting.push(...linksOf(text));
  }
  return found;
}

test('every link leads somewhere, no page has script, style or a handler in it, and no text is markup', async () => {
  const made = await filled();
  for (const language of ['en', 'ru']) {
    await made.visit('/preferences', form({ language }));
    const pages = [...(await crawled(made))].filter(([path]) => !/^\/(api|assets|docs|metrics)/.test(path));
    expect(pages.length).toBeGreaterThan(8);
    for (const [path, page] of pages) {
      const first = (pattern: RegExp): string | undefined => pattern.exec(page)?.[0];
      expect(first(/^<!doctype html>/), path).toBeDefined();
      expect(first(/<script(?! type="module" src="\/assets\/)/), path).toBe(undefined);
      expect(first(/<style|<img/i), path).toBe(undefined);
      // Attributes without their values, which may be texts from data.
      const bare = page.replace(/"[^"]*"/g, '""');
      expect(/<[^>]* (style|on\w+)=|\p{Bidi_Control}/iu.exec(bare)?.[0], path).toBe(undefined);
      expect(first(/(href|src|action)="javascript:|undefined|\[object|\bNaN\b/u), path).toBe(undefined);
      expect(first(/x{1200}/), path).toBe(undefined);
      expect(page.match(/<h1/g), path).toHaveLength(1);
      const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
      expect(ids.length, path).toBe(new Set(ids).size);
    }
    const all = pages.map(([, page]) => page).join('');
    for (const text of ['&lt;img src=x onerror=alert(1)&gt;', 'abc\\u202egnp.exe'])
      expect(all.includes(text), text).toBe(true);
  }
}, 60_000);

test('what is not there, and what a token must not see, are pages that say so', async () => {
  const { visit, enter, server } = await browser({});
  const { name } = await server.run('beta');
  for (const path of ['/runs/none', '/nothing', '/runs/%00', '/pipelines/none']) {
    const answer = await visit(path);
    expect([answer.status, answer.headers.get('content-type')], path).toEqual([404, 'text/html; charset=utf-8']);
    expect(await answer.text()).toContain('<h1>Not found</h1>');
  }
  expect((await visit('/runs?state=no')).status).toBe(400);
  expect((await visit('/runs?color=red')).status).toBe(400);
  await enter(await server.token(['data']));
  const denied = await visit('/runs');
  expect([denied.status, (await denied.text()).includes('<h1>You may not do this</h1>')]).toEqual([403, true]);
  await enter(await server.token(['read'], ['alp*']));
  expect((await visit(`/runs/${name}`)).status).toBe(404);
  expect(await (await visit('/')).text()).not.toContain('beta');
  expect(await (await visit('/runs')).text()).not.toContain('beta');
  // A program gets a problem of the API for a path of the API.
  expect((await visit('/api/v1/none')).headers.get('content-type')).toBe('application/problem+json');
});

test('runs are filtered by a form in the address, and the next page goes on', async () => {
  const { visit, server } = await browser({});
  const names: string[] = [];
  for (let i = 0; i < 5; i++)
    names.push(
      (await server.run(i % 2 === 0 ? 'alpha' : 'beta', events(i), i < 4 && i % 2 === 0 ? finished.entry : {})).name,
    );
  const shown = async (path: string) => {
    const page = await (await visit(path)).text();
    const list = /<tbody>.*<\/tbody>/s.exec(page)?.[0] ?? '';
    const next = /rel="next" href="([^"]+)"/.exec(page)?.[1]?.replaceAll('&amp;', '&');
    return { runs: names.filter((name) => list.includes(`href="/runs/${name}"`)), next, page };
  };
  expect((await shown('/runs')).runs).toEqual(names);
  expect((await shown('/runs?pipeline=beta&state=&q=')).runs).toEqual([names[1], names[3]]);
  expect((await shown('/runs?state=failed')).runs).toEqual([names[0], names[2]]);
  expect((await shown('/runs?within=24h&state=failed&state=pending')).runs).toEqual(names);
  const first = await shown('/runs?limit=2&within=7d');
  expect(first.runs).toEqual([names[3], names[4]]);
  const second = await shown(first.next ?? '');
  expect(second.runs).toEqual([names[1], names[2]]);
  const third = await shown(second.next ?? '');
  expect([third.runs, third.next]).toEqual([[names[0]], undefined]);
  expect((await shown('/runs?state=failed')).page).toMatch(/value="failed" checked/);
});
const events = (i: number) => (i < 4 && i % 2 === 0 ? finished.events : []);

test('quarantined rows are shown to those who may see them, downloaded, and replayed with a file', async () => {
  const { visit, server, enter, run } = await filled();
  const page = await (await visit(`/runs/${run}/quarantine`)).text();
  expect(page).toContain('&lt;b&gt;one&lt;/b&gt;');
  expect(page).toContain('The first 200 rows are shown');
  expect(page.match(/<tr>/g)).toHaveLength(201);
  const file = /href="([^"]+\/file)"/.exec(page)?.[1] ?? '';
  const csv = await (await visit(file)).text();
  expect(csv.split('\n')).toHaveLength(252);
  const body = new FormData();
  body.set('source', 'x'.repeat(60));
  body.set('file', new File([csv], 'rows.csv', { type: 'text/csv' }));
  const sent = await visit(`/runs/${run}:replay`, { method: 'POST', body });
  expect([sent.status, sent.headers.get('location')]).toEqual([303, expect.stringMatching(/\?notice=replayed$/)]);
  body.set('file', new File([], ''));
  expect((await visit(`/runs/${run}:replay`, { method: 'POST', body })).status).toBe(400);
  expect((await visit(`/runs/${run}:replay`, form({ file: 'no file' }))).status).toBe(415);
  await rm(rows());
  expect((await visit(`/runs/${run}/quarantine`)).status).toBe(404);
  await enter(await server.token(['read', 'runs:write']));
  expect((await visit(`/runs/${run}/quarantine`)).status).toBe(403);
  expect(await (await visit(`/runs/${run}`)).text()).not.toContain('/quarantine');
});

test('a run is started once by a form that is sent twice, cancelled, and run again', async () => {
  const { visit, server, enter } = await browser({});
  const page = await (await visit('/runs')).text();
  const once = /name="once" value="([^"]+)"/.exec(page)?.[1] ?? '';
  const sent = form({ pipeline: 'alpha', once });
  const started = (await visit('/runs', sent)).headers.get('location') ?? '';
  expect(started).toMatch(/^\/runs\/[\w-]+\?notice=started$/);
  expect((await visit('/runs', sent)).headers.get('location')).toBe(started);
  const [path = ''] = started.split('?');
  const shown = await (await visit(started)).text();
  expect(shown).toContain('The run is registered');
  expect(shown).toContain(`action="${path}:cancel"`);
  const cancelled = await visit(`${path}:cancel`, form({}));
  expect([cancelled.status, cancelled.headers.get('location')]).toEqual([303, `${path}?notice=cancelled`]);
  expect(await server.store.history(path.split('/')[2] ?? '')).toMatchObject([
    {},
    { event: { type: 'cancel-requested' } },
  ]);
  expect((await visit(`${path}:retry`, form({}))).status).toBe(409);
  const { name } = await server.run('alpha', finished.events, finished.entry);
  expect((await visit(`/runs/${name}:cancel`, form({}))).status).toBe(409);
  const again = await visit(`/runs/${name}:retry`, form({}));
  expect(again.headers.get('location')).toMatch(/^\/runs\/(?!.*notice=c)[\w-]+\?notice=started$/);
  // Each is in the audit log, and none is open to a reader.
  const audit = await server.store.audit({ limit: 20 });
  const [, , run = ''] = path.split('/');
  for (const action of ['POST /runs', 'POST /runs/{run}:cancel'])
    expect(audit).toContainEqual(expect.objectContaining({ action, status: 303, target: run, by: 'admin' }));
  await enter(await server.token(['read']));
  expect((await visit(`${path}:cancel`, form({}))).status).toBe(403);
  expect(await (await visit(path)).text()).not.toContain(':cancel');
  expect((await visit('/runs', form({ pipeline: 'alpha' }))).status).toBe(403);
});
