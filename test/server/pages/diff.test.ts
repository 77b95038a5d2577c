import { expect, test } from 'vitest';
import type { RunEvent } from '../../../controller/domain/events.ts';
import { changeOf } from '../../../controller/server/pages/run/diff.ts';
import { linesOf } from '../../../controller/server/pages/run/log.ts';
import { barsOf } from '../../../controller/server/pages/run/starts.ts';
import { finished } from '../world.ts';
import { browser, form } from './browser.ts';
import { part, textOf } from './seen.ts';

const measured = (rows: number): RunEvent => ({
  type: 'sources-measured',
  findings: {},
  profiles: {
    'deliveries<b>': {
      measures: { rows, valid: rows, invalid: 0, invalidByReason: {}, nulls: {}, duplicates: 0, bytes: 1, new: 0 },
      pin: { kind: 'csv' },
      examples: [],
    },
  },
});

test('two runs are compared, the earlier one first, however they are named', async () => {
  const { visit, server } = await browser();
  const { name: one } = await server.run('alpha', [measured(100)]);
  const { name: two } = await server.run('alpha', [measured(150), ...finished.events], finished.entry);
  for (const path of [`/runs/${two}/diff/${one}`, `/runs/${one}/diff/${two}`]) {
    const page = await textOf(visit(path));
    const rows = part(page, 'diff-sources');
    expect(rows).toContain('deliveries&lt;b&gt;.rows');
    expect(rows.replace(/<[^>]*>/g, ' ')).toMatch(/100\s+150\s+\+50 \(\+50 %\)/);
    expect(part(page, 'diff-run')).toMatch(/pending.*failed/s);
    expect(page.indexOf(`href="/runs/${one}"`)).toBeLessThan(page.indexOf(`href="/runs/${two}"`));
  }
  expect(await textOf(visit(`/runs/${one}/diff/${one}`))).toContain('do not differ');
});

test('the page of a run leads to the comparison with the one before, or with a chosen one of its pipeline', async () => {
  const { visit, server, enter } = await browser();
  const { name: first } = await server.run('alpha');
  const { name: other } = await server.run('beta');
  const { name: second } = await server.run('alpha');
  const { name: third } = await server.run('alpha');
  const chosen = part(await textOf(visit(`/runs/${third}`)), 'compare');
  expect([...chosen.matchAll(/<option value="([^"]+)"/g)].map(([, run]) => run)).toEqual([second, first]);
  const led = async (path: string) => (await visit(path)).headers.get('location');
  expect(await led(`/runs/${third}/diff`)).toBe(`/runs/${third}/diff/${second}`);
  expect(await led(`/runs/${third}/diff?other=`)).toBe(`/runs/${third}/diff/${second}`);
  expect(await led(`/runs/${third}/diff?other=${first}`)).toBe(`/runs/${third}/diff/${first}`);
  expect(await textOf(visit(`/runs/${first}/diff`))).toContain('No run of this pipeline was before');
  expect(await textOf(visit(`/runs/${first}`))).not.toContain('id="compare"');
  // Neither side may be of a pipeline that the token does not see.
  await enter(await server.token(['read'], ['alp*']));
  const status = async (path: string) => (await visit(path)).status;
  expect(await status(`/runs/${third}/diff/${second}`)).toBe(200);
  for (const path of [`/runs/${third}/diff/${other}`, `/runs/${other}/diff/${third}`, `/runs/${other}/diff`])
    expect(await status(path), path).toBe(404);
});

test('a change is a difference and its share; of times, a duration; of words, nothing', () => {
  const fact = (value: string | number, part: 'run' | 'times' = 'run') => ({ part, value });
  expect(changeOf(fact(200), fact(150))).toBe('−50 (−25 %)');
  expect(changeOf(fact(0), fact(3))).toBe('+3');
  expect(changeOf(fact(1000, 'times'), fact(4000, 'times'))).toMatch(/^\+3(\.0)? s \(\+300 %\)$/);
  expect(changeOf(fact('a'), fact('b'))).toBe('');
  expect(changeOf(undefined, fact(1))).toBe('');
});

const log = [
  '26/11/24 06:00:01 INFO SparkContext: Running',
  '26/11/24 06:00:02 WARN Utils: a warning',
  '26/11/24 06:00:03 ERROR Executor: failed',
  'java.lang.RuntimeException: no ERROR in INFO',
  '\tat a.b.C.d(C.java:1)',
  '26/11/24 06:00:04 INFO SparkContext: <b>Stopped</b>',
  '26/11/24 06:00:05 WARN Utils: the ERROR of another',
];

test('a log is shown by level, and the lines of a trace go with their error', async () => {
  expect(linesOf(log, undefined)).toBe(log);
  expect(linesOf(log, 'warn')).toEqual([log[1], ...log.slice(2, 5), log[6]]);
  expect(linesOf(log, 'error')).toEqual(log.slice(2, 5));
  expect(linesOf(['no level'], 'error')).toEqual([]);
  const { visit, server } = await browser({ more: { logLines: async () => log } });
  const settings = {
    ...{ executors: 2, executorCores: 2, executorMemory: '2g', driverMemory: '1g', partitions: 8 },
    ...{ profile: 'quick' as const, conf: {} },
  };
  const { name } = await server.run('alpha', [
    { type: 'attempt-intended', step: 'marts', attempt: 1, key: 'k', settings },
  ]);
  const path = `/runs/${name}/steps/marts/attempts/1`;
  const shown = async (query: string) => /<pre id="log".*?<\/pre>/s.exec(await textOf(visit(path + query)))?.[0] ?? '';
  expect(await shown('')).toContain('&lt;b&gt;Stopped');
  expect(await shown('?level=')).toContain('Running');
  const errors = await shown('?level=error');
  expect([errors.includes('C.java:1'), errors.includes('Stopped'), errors.includes('a warning')]).toEqual([
    true,
    false,
    false,
  ]);
  expect((await visit(`${path}?level=debug`)).status).toBe(400);
});

test('the starts of runs are drawn for the filter of the list, also where nothing started', async () => {
  const hour = 3_600_000;
  const counts = [
    { from: hour, state: 'succeeded', runs: 2 },
    { from: hour, state: 'failed', runs: 1 },
    { from: 3 * hour, state: 'running', runs: 4 },
  ];
  expect(barsOf(counts, hour + 5, 4 * hour, hour)).toEqual([
    { from: hour, good: 2, bad: 1 },
    { from: 2 * hour, good: 0, bad: 0 },
    { from: 3 * hour, good: 4, bad: 0 },
  ]);
  const { visit, server, enter } = await browser();
  for (const pipeline of ['alpha', 'alpha', 'beta']) await server.run(pipeline, finished.events, finished.entry);
  const starts = async (path: string) => part(await textOf(visit(path)), 'starts');
  expect(await starts('/runs')).toContain('3 starts within 24 hours, 3 of these runs failed');
  expect(await starts('/runs?pipeline=alpha&within=30d')).toContain('2 starts within 720 hours');
  expect(await starts('/runs?state=running')).not.toContain('<svg');
  expect(await starts('/runs?until=2020-01-01T00:00:00Z')).toBe('');
  await visit('/preferences', form({ language: 'ru' }));
  expect(await starts('/runs')).toContain('Запусков за 24 ч: 3, из них с ошибкой: 3');
  await enter(await server.token(['read'], ['bet*']));
  expect(await starts('/runs')).toContain('Запусков за 24 ч: 1');
});
