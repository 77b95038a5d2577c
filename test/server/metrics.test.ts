import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SluiceError } from '../../controller/lib/errors.ts';
import { exposed } from '../../controller/server/metrics/exposition.ts';
import { Durations } from '../../controller/server/metrics/histograms.ts';
import { memoryStore } from '../fakes/store.ts';
import { exportedFamilies } from '../monitoring/exported.ts';
import { finished, world } from './world.ts';

/** The samples of a scrape: name with labels, and value. */
function samplesOf(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split('\n').filter((each) => each !== '' && !each.startsWith('#'))) {
    const [, series = '', value = ''] = /^([a-z_0-9]+(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
    expect(series, line).not.toBe('');
    expect(samples.has(series), `${series} occurs twice`).toBe(false);
    samples.set(series, Number(value));
  }
  return samples;
}

test('a scrape tells what the store counts, how pipelines stand, and what this server does', async () => {
  const { get, run, store } = await world();
  await run('alpha', finished.events, { summary: { ...finished.entry.summary, ended: 5_000, quality: 0.5, rows: 7 } });
  await run('alpha', finished.events, finished.entry);
  await run('beta');
  await store.trigger({ pipeline: 'alpha', trigger: 'nightly' });
  await store.pause({ pipeline: 'alpha', trigger: 'nightly' }, { by: 'anna' });
  await get('/api/v1/runs');
  const response = await get('/metrics');
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const text = await response.text();
  const samples = samplesOf(text);
  const value = (series: string) => samples.get(series);
  expect(value('sluice_runs_ended_total{pipeline="alpha",state="failed"}')).toBe(2);
  expect(value('sluice_runs{pipeline="beta",state="pending"}')).toBe(1);
  expect(value('sluice_run_last_end_state{pipeline="alpha",state="failed"}')).toBe(1);
  expect(value('sluice_run_last_end_state{pipeline="alpha",state="succeeded"}')).toBe(0);
  expect(value('sluice_trigger_paused{pipeline="alpha",trigger="nightly"}')).toBe(1);
  expect(value('sluice_trigger_paused{pipeline="beta",trigger="nightly"}')).toBe(0);
  expect(value('sluice_trigger_next_due_timestamp_seconds{pipeline="beta",trigger="nightly"}')).toBeGreaterThan(
    Date.now() / 1000,
  );
  expect(value('sluice_controllers')).toBe(1);
  expect(value('sluice_store_up')).toBe(1);
  expect(value('sluice_http_request_seconds_count{route="GET /api/v1/runs",status="200"}')).toBe(1);
  expect(value('sluice_http_request_seconds_bucket{route="GET /api/v1/runs",status="200",le="+Inf"}')).toBe(1);
  // Each family is told once, with its type before its samples.
  const types = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  expect(new Set(types).size).toBe(types.length);
});

test('a token sees the metrics of its pipelines alone, and without one there are none', async () => {
  const { get, run, token, store } = await world();
  for (const pipeline of ['alpha', 'beta']) await run(pipeline, finished.events, finished.entry);
  await store.trigger({ pipeline: 'beta', trigger: 'nightly' });
  const as = await token(['read'], ['al*']);
  const text = await (await get('/metrics', { as })).text();
  expect(text).toContain('pipeline="alpha"');
  expect(text).not.toContain('beta');
  expect((await get('/metrics', { as: null })).status).toBe(401);
});

test('when the store is away, a scrape says so instead of failing', async () => {
  const store = memoryStore();
  let isAway = false;
  const { get } = await world({
    store: {
      ...store,
      async vitals() {
        if (isAway) throw new SluiceError('the store is away', { kind: 'unavailable' });
        return store.vitals();
      },
    },
  });
  isAway = true;
  const response = await get('/metrics');
  expect(response.status).toBe(200);
  const samples = samplesOf(await response.text());
  expect(samples.get('sluice_store_up')).toBe(0);
  expect(samples.has('sluice_controllers')).toBe(false);
  expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(1e6);
});

test('every metric is in the documentation', async () => {
  const names = (await exportedFamilies()).map(({ name }) => name);
  const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const documented = [...page.matchAll(/`((?:sluice|process|nodejs)_\w+)`/g)].map(([, name]) => name);
  expect([...new Set(documented)].sort()).toEqual([...names].sort());
});

test('names from data are escaped, and values are numbers of the format', () => {
  const samples = [
    { labels: { pipeline: 'a"b\\c\nd' }, value: 1.5 },
    { value: Number.POSITIVE_INFINITY },
    { value: Number.NaN },
  ];
  expect(exposed([{ name: 'x', type: 'gauge', help: 'one\ntwo \\', samples }])).toBe(
    '# HELP x one\\ntwo \\\\\n# TYPE x gauge\nx{pipeline="a\\"b\\\\c\\nd"} 1.5\nx +Inf\nx NaN\n',
  );
  expect(exposed([{ name: 'x', type: 'gauge', help: 'none', samples: [] }])).toBe('');
});

test('a histogram counts a request in every bucket that it fits into', () => {
  const times = new Durations('x', 'y', [0.005, 0.25, 0.5, 10]);
  for (const seconds of [0.005, 0.3, 99]) times.observe({ of: 'it' }, seconds);
  const values = times.family().samples.map(({ suffix, labels, value }) => [suffix, labels?.le, value]);
  expect(values.filter(([, le]) => ['0.005', '0.25', '0.5', '10', '+Inf'].includes(String(le)))).toEqual([
    ['_bucket', '0.005', 1],
    ['_bucket', '0.25', 1],
    ['_bucket', '0.5', 2],
    ['_bucket', '10', 2],
    ['_bucket', '+Inf', 3],
  ]);
  expect(values.slice(-2)).toEqual([
    ['_sum', undefined, 99.305],
    ['_count', undefined, 3],
  ]);
});
