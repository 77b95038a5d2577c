import { expect, test } from 'vitest';
import type { RunEvent } from '../../../controller/domain/events.ts';
import { pipelinesOf } from '../world.ts';
import { browser, form } from './browser.ts';
import { part, textOf } from './seen.ts';

/** A run of more steps than its file has now; `poorer` is the fallback of `marts`. */
async function failed() {
  const made = await browser();
  const [loaded] = await pipelinesOf('alpha');
  const pipeline = { ...loaded?.pipeline, steps: { ...loaded?.pipeline.steps, second: { needs: ['marts'] } } };
  const pin = { kind: 'csv', kept: { paths: ['/r/inputs/a'], columns: [] } };
  const measures = { rows: 1, valid: 1, invalid: 0, invalidByReason: {}, nulls: {}, duplicates: 0, bytes: 1, new: 1 };
  const events = [
    { type: 'run-started', run: 'r', pipeline, file: 'f' },
    { type: 'sources-measured', findings: {}, profiles: { deliveries: { measures, pin, examples: [] } } },
    { type: 'run-ended', state: 'failed', reason: 'no' },
  ] as unknown as RunEvent[];
  const { name } = await made.server.run('alpha', events, { summary: { state: 'failed', ended: 5, quality: 1 } });
  return { ...made, name };
}

test('a failed run is repeated from its beginning or from a step, with the same rows or with others', async () => {
  const { visit, server, name } = await failed();
  const actions = part(await textOf(visit(`/runs/${name}`)), 'actions');
  expect([...actions.matchAll(/<option value="([^"]*)"/g)].map(([, step]) => step)).toEqual(['', 'marts', 'second']);
  const sent = await visit(`/runs/${name}:retry`, form({ fromStep: '', fresh: 'true' }));
  const run = sent.headers.get('location')?.split(/[/?]/)[2] ?? '';
  expect(await server.store.history(run)).toMatchObject([{ event: { retries: { run: name, fresh: true } } }]);
  const why = part(await textOf(visit(`/runs/${run}`)), 'cause');
  expect(why).toContain(`href="/runs/${name}"`);
  // The step is of a file that no longer has it.
  const refused = await visit(`/runs/${name}:retry`, form({ fromStep: 'second' }));
  expect([refused.status, await refused.text()]).toEqual([422, expect.stringContaining('no step')]);
});

test('a run that has succeeded is repeated as a whole: it has kept no rows', async () => {
  const { visit, server } = await failed();
  const [loaded] = await pipelinesOf('alpha');
  const started = { type: 'run-started', run: 'r', pipeline: loaded?.pipeline, file: 'f' } as RunEvent;
  const ended = { type: 'run-ended', state: 'succeeded', reason: 'only branch' } as RunEvent;
  const { name } = await server.run('alpha', [started, ended], { summary: { state: 'succeeded', ended: 5 } });
  expect(part(await textOf(visit(`/runs/${name}`)), 'actions')).not.toMatch(/<select|checkbox/);
});
