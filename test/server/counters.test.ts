import { expect, test } from 'vitest';
import { Looks } from '../../controller/app/triggers/looks.ts';
import { SluiceError } from '../../controller/lib/errors.ts';
import { RequestTimes } from '../../controller/server/metrics/request-times.ts';
import { timedStore } from '../../controller/server/metrics/timed-store.ts';
import { memoryStore } from '../fakes/store.ts';
import { finished, pipelinesOf, world } from './world.ts';

const valuesOf = (text: string, metric: string): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(new RegExp(`^${metric}(.*) (\\S+)$`, 'gm'))].map(([, labels, n]) => [labels, n]),
  );

test('counters of what is served begin at 0, and go on with what was counted', async () => {
  const { get, run, store } = await world({ pipelines: await pipelinesOf('alpha') });
  const text = async () => (await get('/metrics')).text();
  const steps = Object.keys((await pipelinesOf('alpha'))[0]?.pipeline.steps ?? {});
  const before = await text();
  expect(Object.keys(valuesOf(before, 'sluice_retries_total'))).toEqual(
    steps.map((step) => `{pipeline="alpha",step="${step}"}`),
  );
  expect(valuesOf(before, 'sluice_outbox_messages_total')).toMatchObject({
    '{channel="slack",state="refused"}': '0',
    '{channel="email",state="sent"}': '0',
  });
  expect(valuesOf(before, 'sluice_runs_ended_total')['{pipeline="alpha",state="failed"}']).toBe('0');
  await run('alpha', finished.events, finished.entry);
  await store.vitals();
  const after = valuesOf(await text(), 'sluice_runs_ended_total');
  expect(after['{pipeline="alpha",state="failed"}']).toBe('1');
  expect(after['{pipeline="alpha",state="succeeded"}']).toBe('0');
});

test('a token for some pipelines sees no counters of the others, nor of messages', async () => {
  const { get, token } = await world();
  const text = await (await get('/metrics', { as: await token(['read'], ['al*']) })).text();
  expect(Object.keys(valuesOf(text, 'sluice_runs_ended_total')).every((labels) => labels.includes('alpha'))).toBe(true);
  expect(text).not.toContain('sluice_outbox_messages_total');
});

test('the last failure of a pipeline that is served no more alerts as little here as in the judge', async () => {
  const { get, run } = await world({ pipelines: await pipelinesOf('alpha') });
  await run('gone', finished.events, finished.entry);
  const text = await (await get('/metrics')).text();
  expect(text).toContain('sluice_runs_ended_total{pipeline="gone",state="failed"} 1');
  expect(text).not.toContain('sluice_run_last_end_state{pipeline="gone"');
});

test('requests of webhooks that were not taken are counted by their reason, from 0 on', async () => {
  const { ask, get } = await world();
  const rejected = async () => valuesOf(await (await get('/metrics')).text(), 'sluice_webhook_rejected_total');
  expect((await rejected())['{reason="signature"}']).toBe('0');
  await ask('POST', '/hooks/alpha/hook', { as: null, body: '{}' });
  await ask('POST', '/hooks/alpha/other', { as: null, body: '{}' });
  expect(await rejected()).toMatchObject({ '{reason="signature"}': '1', '{reason="unknown"}': '1' });
  const times = new RequestTimes();
  times.observe('POST /api/v1/runs', 401, 1);
  times.observe('POST /hooks/{pipeline}/{trigger}', 418, 1);
  expect(times.families()[1]?.samples.filter(({ value }) => value > 0)).toEqual([
    { labels: { reason: 'malformed' }, value: 1 },
  ]);
});

test('operations of the store are timed, also failed ones; waiting for events is not', async () => {
  const seen: string[] = [];
  const broken = () => Promise.reject(new SluiceError('away', { kind: 'unavailable' }));
  const store = timedStore({ ...memoryStore(), vitals: broken }, (operation, seconds) => {
    seen.push(operation);
    expect(seconds).toBeGreaterThanOrEqual(0);
  });
  await expect(store.vitals()).rejects.toThrow('away');
  expect(await store.list({ limit: 1 })).toEqual([]);
  await store.waitFor(0, AbortSignal.timeout(1));
  await store.close();
  expect(seen).toEqual(['vitals', 'list']);
});

test('the age of a look is that of the last one of this server; triggers by the clock have none, and gone ones are forgotten', () => {
  let now = 0;
  const looks = new Looks(() => now);
  const of = (name: string, more: object = {}) =>
    ({ loaded: { pipeline: { name: 'p' } }, name, driver: { kind: 'files', ...more } }) as never;
  looks.note(of('files'), { next: 1, left: 3 });
  looks.note(of('nightly', { instants: () => [] }), { next: 1 });
  looks.note(of('hook'), { next: undefined });
  now = 5000;
  const there = [{ pipeline: 'p', trigger: 'files' }];
  const all = ['files', 'nightly', 'hook'].map((trigger) => ({ pipeline: 'p', trigger }));
  expect(looks.of(all)).toEqual([{ pipeline: 'p', trigger: 'files', left: 3, agoMs: 5000 }]);
  expect(looks.of([])).toEqual([]);
  expect(looks.of(there)).toEqual([]);
});

test('a scrape of fifty pipelines with two hundred triggers has at most four thousand lines', async () => {
  const names = Array.from({ length: 50 }, (_, i) => `p${i}`);
  const pipelines = (await pipelinesOf(...names)).map((loaded) => {
    const { triggers = {} } = loaded.pipeline;
    const twice = Object.entries(triggers).flatMap(([name, of]) => [1, 2].map((i) => [`${name}-${i}`, of]));
    return { ...loaded, pipeline: { ...loaded.pipeline, triggers: Object.fromEntries(twice) } };
  });
  const { get, run, store } = await world({ pipelines });
  for (const { pipeline } of pipelines) {
    await run(pipeline.name, finished.events, finished.entry);
    await run(pipeline.name, [{ type: 'run-ended', state: 'succeeded', reason: 'so it goes' }], {
      summary: { state: 'succeeded', ended: Date.now() },
    });
    for (const trigger of Object.keys(pipeline.triggers)) await store.trigger({ pipeline: pipeline.name, trigger });
  }
  await get('/metrics');
  const began = performance.now();
  const lines = (await (await get('/metrics')).text()).split('\n').length;
  process.stdout.write(`metrics: ${lines} lines of 50 pipelines in ${Math.round(performance.now() - began)} ms\n`);
  expect(lines).toBeLessThanOrEqual(4000);
});
